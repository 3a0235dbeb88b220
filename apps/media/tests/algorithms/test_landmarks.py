"""Landmarks of sounds: what survives, what strangers share, and the counting of offsets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.media.algorithms import landmarks as algorithm
from apps.media.algorithms.landmarks import (
    MOST_KEPT,
    Landmarks,
    aligned,
    is_same,
    landmarks,
    thinned,
)
from apps.media.tests.tunes import RATE, Sound, noise, tune, voice

TUNE = tune(1, 6.0)
MADE = {"tune": TUNE, "voice": voice(1, 6.0), "noise": noise(1, 6.0)}


def common(query: Landmarks, known: Landmarks) -> int:
    """Return how many moments two sounds have in common, every pair of landmarks looked at."""
    pairs = [(f, g) for h, f in query.tolist() for k, g in known.tolist() if h == k]
    frames, others = np.array(pairs, np.int64).reshape(-1, 2).T
    return aligned(frames, others, np.zeros(len(pairs), np.int64))[1]


def shared(query: Sound, known: Sound) -> bool:
    marks = landmarks(query)
    return is_same(common(marks, landmarks(known)), marks)


@pytest.mark.parametrize("name", MADE)
def test_loudness_changes_nothing_and_a_cut_little(name: str) -> None:
    sound = MADE[name]
    marks = landmarks(sound)

    np.testing.assert_array_equal(landmarks(sound * np.float32(0.125)), marks)
    assert shared(sound[2 * RATE + 333 :], sound)


def test_noise_and_a_voice_over_it_leave_enough() -> None:
    rng = np.random.default_rng(0)
    hiss = rng.normal(0, 0.2 * TUNE.std(), len(TUNE)).astype(np.float32)

    assert shared(TUNE + hiss, TUNE)
    assert shared(0.6 * TUNE + 0.4 * voice(3, 6.0), TUNE)


def test_other_sounds_are_others() -> None:
    for other in (tune(2, 6.0), tune(3, 6.0), voice(1, 6.0), noise(1, 6.0)):
        assert not shared(other, TUNE)


def test_silence_and_what_is_too_short_have_none() -> None:
    assert landmarks(np.zeros(RATE, np.float32)).shape == (0, 2)
    assert landmarks(np.ones(100, np.float32)).shape == (0, 2)
    assert landmarks(np.empty(0, np.float32)).shape == (0, 2)


def test_hash_holds_two_bins_and_the_frames_between() -> None:
    # Peaks at (frame 0, bin 10), (5, 14), (2, 11: too near in time), (5, 200: too far in pitch).
    frame, bin_ = np.array([0, 2, 5, 5]), np.array([10, 11, 14, 200])

    found = algorithm._paired(frame, bin_)

    assert found.tolist() == [
        [(10 << 14) | ((4 + 64) << 7) | 5, 0],
        [(11 << 14) | (67 << 7) | 3, 2],
    ]


class TestRunningMax:
    @given(st.integers(0, 6), st.integers(1, 15), st.integers(0, 99))
    def test_equals_the_plain_definition(self, reach: int, n: int, seed: int) -> None:
        values = np.random.default_rng(seed).normal(0, 1, (n, 3)).astype(np.float32)

        found = algorithm._running_max(values, reach, 0)

        plain = [values[max(i - reach, 0) : i + reach + 1].max(axis=0) for i in range(n)]
        np.testing.assert_array_equal(found, plain)


class TestAligned:
    def test_moments_at_one_offset_count(self) -> None:
        query = np.array([1, 2, 3, 4, 4, 9])
        known = query + np.array([10, 10, 11, 10, 10, 50])  # 11: within one frame of 10
        owner = np.array([7, 7, 7, 7, 7, 7])

        assert aligned(query, known, owner) == (7, 4)  # moment 4 is one witness

    def test_owner_with_most_is_told(self) -> None:
        query = np.array([1, 2, 1, 2, 3])
        known = query + np.array([5, 5, 9, 9, 9])

        assert aligned(query, known, np.array([3, 3, 4, 4, 4])) == (4, 3)

    def test_nothing_in_common_is_nobody(self) -> None:
        none = np.empty(0, np.int64)
        assert aligned(none, none, none) == (-1, 0)


def test_few_moments_in_a_long_sound_are_chance() -> None:
    short = np.stack([np.arange(100), np.arange(100)], axis=1)
    long = np.stack([np.arange(2000), np.arange(2000)], axis=1)

    assert (is_same(11, short), is_same(12, short)) == (False, True)
    assert (is_same(44, long), is_same(45, long)) == (False, True)
    assert (is_same(6, short[:9]), is_same(7, short[:9])) == (False, True)
    assert (is_same(9, short[:40]), is_same(10, short[:40])) == (False, True)


def test_what_is_kept_of_a_sound_is_what_is_kept_of_its_part() -> None:
    rng = np.random.default_rng(0)
    marks = np.stack([rng.integers(0, 2**22, 5000), np.arange(5000)], axis=1)
    kept = {tuple(row) for row in thinned(marks).tolist()}

    part = {tuple(row) for row in thinned(marks[3000:]).tolist()}

    assert len(kept) == MOST_KEPT
    assert {row for row in kept if row[1] >= 3000} <= part
