"""Mel-frequency cepstral coefficients of a sound track (spec §3.2), equal to librosa's defaults."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from apps.media.algorithms.cosines import cosines

SAMPLE_RATE = 22_050  # Hz
WIDTH = 60  # of `mfcc_summary`
_N_FFT, _HOP = 2048, 512  # samples
_N_MELS, _N_MFCC = 128, 20
_TOP_DB = 80.0
_DELTA_FRAMES = 9


def mfcc(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the coefficients of each frame, float64[20, 1 + n // 512].

    c = DCT-II(10·log₁₀ max(M·|STFT|², 10⁻¹⁰)), orthonormal, floored 80 dB below its maximum; M are
    128 triangles of equal area on Slaney's mel scale. sound: float32[n] at 22,050 Hz, in −1…1,
    padded with zeros by half a window. O(n log 2048).
    """
    mel = power_spectra(sound) @ _mel_filters().T
    decibels = 10 * np.log10(np.maximum(mel, 1e-10))
    decibels = np.maximum(decibels, decibels.max() - _TOP_DB)
    return (decibels @ cosines(_N_MFCC, _N_MELS).T).T.astype(np.float64)


def power_spectra(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the power of each frame and bin of 10.8 Hz, [1 + n // 512, 1025], Hann's window."""
    padded = np.pad(sound, _N_FFT // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::_HOP]
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_N_FFT) / _N_FFT)).astype(np.float32)
    return np.asarray(np.abs(np.fft.rfft(windows * hann, axis=1)) ** 2)


def mfcc_summary(sound: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """Return mean and deviation of the coefficients and the deviation of their slope, float64[60].

    The slope is fitted over 9 frames; its mean would be the difference of the ends, so nothing.
    None for a sound too short (under 0.2 s) or silent.
    """
    if len(sound) < _HOP * _DELTA_FRAMES or np.abs(sound).max() < 1e-4:
        return None
    coefficients = mfcc(sound)
    parts = coefficients.mean(axis=1), coefficients.std(axis=1), slopes(coefficients).std(axis=1)
    return np.concatenate(parts)


def slopes(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the slope of the line through each 9 frames (delta), float64[20, n − 8]."""
    offsets = np.arange(_DELTA_FRAMES) - _DELTA_FRAMES // 2
    windows = np.lib.stride_tricks.sliding_window_view(coefficients, _DELTA_FRAMES, axis=1)
    return windows @ (offsets / (offsets @ offsets))


@functools.cache
def _mel_filters() -> NDArray[np.float32]:
    """Return the triangles, float32[128, 1025]."""
    edges = _hertz(np.linspace(0, _mel(SAMPLE_RATE / 2), _N_MELS + 2))
    hertz = np.fft.rfftfreq(_N_FFT, 1 / SAMPLE_RATE)
    ramps = edges[:, None] - hertz
    widths = np.diff(edges)[:, None]
    triangles = np.maximum(0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


# Slaney's scale: linear up to 1000 Hz (15 mel), then 27 mel to each factor of 6.4.
_STEP = np.log(6.4) / 27


def _mel(hertz: float) -> float:
    return float(hertz * 3 / 200 if hertz < 1000 else 15 + np.log(hertz / 1000) / _STEP)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(_STEP * (mel - 15)))
