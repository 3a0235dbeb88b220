"""Sounds made on the spot: tunes, voices and noises, another for each seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
RATE = 22_050
_SCALE = np.array([0, 2, 4, 5, 7, 9, 11])  # major


def tune(seed: int, seconds: float = 15.0) -> Sound:
    """Return notes of a few instruments over chords, with drums: all of them share one scale."""
    rng = np.random.default_rng([seed, 1])
    made = np.zeros(int(seconds * RATE), np.float32)
    beat = 60 / rng.choice([90, 100, 110, 120, 130])  # few tempos: strangers are in step too
    brightness = rng.uniform(0.4, 0.8)
    for step in range(int(seconds / beat * 2)):
        at = step * beat / 2
        for _ in range(rng.integers(1, 3)):
            pitch = 48 + rng.choice(_SCALE) + 12 * rng.integers(0, 3)
            _add(made, at, _note(pitch, beat * rng.uniform(0.5, 2), brightness))
        if step % 2 == 0:
            _add(made, at, 0.5 * rng.normal(0, 1, 1500) * np.exp(-np.arange(1500) / 200))
    return _scaled(made)


def voice(seed: int, seconds: float = 15.0) -> Sound:
    """Return syllables of gliding harmonics with pauses."""
    rng = np.random.default_rng([seed, 2])
    made = np.zeros(int(seconds * RATE), np.float32)
    base, at = rng.uniform(90, 230), 0.0
    while at < seconds:
        long = rng.uniform(0.1, 0.35)
        t = np.arange(int(long * RATE)) / RATE
        glide = base * np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.5) * t)
        phase = 2 * np.pi * np.cumsum(glide) / RATE
        formants = rng.uniform(300, 3000, 3)
        sound = np.zeros(len(t))
        for k in range(1, 25):
            loud = np.exp(-(((k * base - formants) / 300) ** 2)).sum() + 0.02
            sound += loud * np.sin(k * phase)
        _add(made, at, sound * np.hanning(len(t)))
        at += long + rng.exponential(0.08)
    return _scaled(made)


def noise(seed: int, seconds: float = 15.0) -> Sound:
    """Return colored noise that swells: wind, a street."""
    rng = np.random.default_rng([seed, 3])
    spectrum = np.fft.rfft(rng.normal(0, 1, int(seconds * RATE)))
    spectrum /= 1 + np.arange(len(spectrum)) / rng.uniform(500, 50_000)
    swell = 1 + 0.5 * np.sin(np.linspace(0, rng.uniform(5, 30), int(seconds * RATE)))
    return _scaled((np.fft.irfft(spectrum, int(seconds * RATE)) * swell).astype(np.float32))


def _note(pitch: float, seconds: float, brightness: float) -> NDArray[np.float64]:
    t = np.arange(int(seconds * RATE)) / RATE
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    harmonics = [brightness**k * np.sin(2 * np.pi * hertz * k * t) for k in range(1, 9)]
    return np.sum(harmonics, axis=0) * np.exp(-3 * t / seconds) * np.minimum(1, t * 100)


def _add(into: Sound, at: float, part: NDArray[np.float64]) -> None:
    start = int(at * RATE)
    room = into[start : start + len(part)]
    room += part[: len(room)].astype(np.float32)


def _scaled(sound: Sound) -> Sound:
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)
