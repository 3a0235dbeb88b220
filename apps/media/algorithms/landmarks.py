"""Landmarks of a sound: which of its spectral peaks follow each other, and when (Wang 2003).

A peak of the spectrogram survives another codec, another loudness and a cut; two of them with the
time between are rarely found together by chance. Two recordings of one sound share many such pairs
at one and the same offset in time. Changes of pitch or speed move the peaks: they are not caught.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.media.algorithms.mfcc import power_spectra

Landmarks = NDArray[np.int64]  # [n, 2]: hash 0…2²⁴−1, frame; rows are different

MOST_KEPT = 1200  # landmarks of a sound that are stored
LEAST = 20  # below it nothing is told: silence, a single tone
# Moments that two sounds must have in common at one offset; fewer where they are a good share of
# the query's: a short cut has no more.
LEAST_ALIGNED, LEAST_OF_CUT, SHARE_OF_CUT = 12, 7, 0.25
_BINS = slice(20, 470)  # 215 to 5,060 Hz: what narrow codecs and small speakers leave
_NEAR_BINS, _NEAR_FRAMES = 16, 12  # a peak is the highest within these
_RANGE_DB = 50.0  # below the loudest peak
_AHEAD_FRAMES, _AHEAD_BINS = 96, 63  # where the second peak of a pair lies
_PAIRS = 3  # of a peak, with those that follow it next


def landmarks(sound: NDArray[np.float32]) -> Landmarks:
    """Return pairs of peaks of a sound, float32[n] at 22,050 Hz, int64[m, 2] by time.

    A hash holds the first peak's bin (9 bits), the second's relative to it (7) and the frames
    between them (7); a frame is 23 ms. O(n log 2048).
    """
    if len(sound) < 2048 or np.abs(sound).max() < 1e-4:
        return np.empty((0, 2), np.int64)
    decibels = 10 * np.log10(np.maximum(power_spectra(sound)[:, _BINS], 1e-10))
    frame, bin_ = _peaks(decibels)
    return _paired(frame, bin_)


def thinned(marks: Landmarks) -> Landmarks:
    """Return at most `MOST_KEPT`: those whose hashes come first in an order that all share.

    So what is kept of a sound is also found in a cut of it, wherever that is from.
    """
    if len(marks) <= MOST_KEPT:
        return marks
    order = (marks[:, 0] * 0x9E3779B1) & 0xFFFFFFFF  # Fibonacci hashing
    return marks[np.argsort(order, kind="stable")[:MOST_KEPT]]


def is_same(common: int, marks: Landmarks) -> bool:
    """Return whether a sound with so many moments in common is that of the query.

    Never below √(moments of the query): the longer it is, the more is common by chance. Strangers
    among 221 sounds had 10 in common at most, and a share of .14 (`benchmarks/sounds.py`).
    """
    n_moments = len(np.unique(marks[:, 1]))
    is_cut = common >= max(LEAST_OF_CUT, SHARE_OF_CUT * n_moments)
    return is_cut or (common >= LEAST_ALIGNED and common**2 >= n_moments)


def aligned(
    query_frames: NDArray[np.int64], known_frames: NDArray[np.int64], owner: NDArray[np.int64]
) -> tuple[int, int]:
    """Return the owner with most common landmarks at one offset, and how many; (−1, 0) for none.

    All int64[n], one row for each landmark of the query that an owner has too. Offsets within one
    frame of each other are one: a cut falls between frames.
    """
    if not len(owner):
        return -1, 0
    shift = known_frames - query_frames
    # At two grids, so that a pair of neighboring offsets shares a cell of one of them.
    best = (-1, 0)
    for phase in (0, 1):
        cell = np.stack([owner, (shift + phase) // 2, query_frames], axis=1)
        cells = np.unique(cell, axis=0)  # several landmarks of one moment are one witness
        pairs, counts = np.unique(cells[:, :2], axis=0, return_counts=True)
        most = int(counts.argmax())
        if counts[most] > best[1]:
            best = int(pairs[most, 0]), int(counts[most])
    return best


def _peaks(decibels: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return frames and bins of the peaks, in the order of time."""
    highest = _running_max(_running_max(decibels, _NEAR_FRAMES, 0), _NEAR_BINS, 1)
    is_peak = (decibels == highest) & (decibels > decibels.max() - _RANGE_DB)
    frame, bin_ = np.nonzero(is_peak)
    return frame.astype(np.int64), bin_.astype(np.int64)


def _running_max(values: NDArray[np.float32], reach: int, axis: int) -> NDArray[np.float32]:
    """Return the maximum within `reach` to both sides along an axis, by doubling windows."""
    pad = [(0, 0), (0, 0)]
    pad[axis] = (reach, reach)
    made = np.moveaxis(np.pad(values, pad, constant_values=-np.inf), axis, 0)
    width, wanted = 1, 2 * reach + 1
    while width < wanted:
        step = min(width, wanted - width)
        made = np.maximum(made[:-step], made[step:])
        width += step
    return np.moveaxis(made, 0, axis)


def _paired(frame: NDArray[np.int64], bin_: NDArray[np.int64]) -> Landmarks:
    """Pair each peak with the next few in its reach."""
    found: list[Landmarks] = []
    n_pairs = np.zeros(len(frame), np.int64)
    for step in range(1, 40):  # peaks are in order of time: partners are near in the list
        if step >= len(frame):
            break
        first, second = slice(0, len(frame) - step), slice(step, None)
        between, up = frame[second] - frame[first], bin_[second] - bin_[first]
        is_near = (between > 2) & (between <= _AHEAD_FRAMES) & (np.abs(up) <= _AHEAD_BINS)
        is_near &= n_pairs[first] < _PAIRS
        n_pairs[first] += is_near
        hashes = (bin_[first] << 14) | ((up + 64) << 7) | between
        found.append(np.stack([hashes, frame[first]], axis=1)[is_near])
    marks = np.concatenate([np.empty((0, 2), np.int64), *found])
    marks = np.unique(marks, axis=0)
    return marks[np.argsort(marks[:, 1], kind="stable")]
