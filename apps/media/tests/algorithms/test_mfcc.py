"""Cepstral coefficients, as librosa 0.11 gave them with its defaults at 22,050 Hz."""

from __future__ import annotations

import numpy as np
import pytest

from apps.media.algorithms.cosines import cosines
from apps.media.algorithms.mfcc import SAMPLE_RATE, WIDTH, mfcc, mfcc_summary, slopes

T = np.arange(SAMPLE_RATE) / SAMPLE_RATE
SIGNALS = {
    "chirp": 0.7 * np.sin(2 * np.pi * (50 * T + (8000 - 50) * T * T / 2)),
    "noise": np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE),
    "voice": sum(0.2 / k * np.sin(2 * np.pi * 120 * k * T) for k in range(1, 20)),
}
# `librosa.feature.mfcc(y=signal, sr=22050)[:, 21]`, and the first five of its `delta`.
FRAME_21 = {
    "chirp": "-528.082 -44.7093 -23.7583 71.6259 -59.6216 -0.7866 58.2951 -65.897 19.8128 39.4423 -62.9957 34.4084 19.1242 -52.4829 41.0165 1.3586 -37.4869 39.6831 -10.8977 -21.7586",
    "noise": "-22.0447 -0.6546 1.2706 0.5368 2.2712 -0.6472 -3.4521 -4.1117 -1.057 6.9006 8.297 1.3191 2.4158 1.942 -2.2442 1.1147 1.6764 1.1122 2.2245 -3.0962",
    "voice": "-327.609 231.8359 -25.0756 -48.9428 51.5549 34.6326 -42.3639 -27.4942 15.4044 -12.0242 -37.1195 0.5845 20.6318 -14.9833 -29.2537 -2.2614 0.4182 -22.5622 -17.5126 2.1757",
}
FRAME_0 = {  # half of it is padding
    "chirp": [-373.8823, 216.1655, 94.2345, 55.4373],
    "noise": [-59.6209, -4.539, -0.4168, -3.488],
    "voice": [-169.7127, 174.3927, -20.7603, 15.6512],
}
DELTA_21 = {
    "chirp": [-2.27419, -1.00058, 7.38271, -5.24945, -6.15215],
    "noise": [-0.11337, -0.06502, 0.11396, 0.61065, 0.05999],
    "voice": [0.01228, 0.01509, 0.00937, 0.00346, 0.00075],
}


@pytest.mark.parametrize("name", SIGNALS)
def test_coefficients_equal_those_of_librosa(name: str) -> None:
    found = mfcc(SIGNALS[name].astype(np.float32))

    assert found.shape == (20, 44)
    assert found[:, 21] == pytest.approx([float(c) for c in FRAME_21[name].split()], abs=1e-3)
    assert found[:4, 0] == pytest.approx(FRAME_0[name], abs=1e-3)
    # The slopes begin at frame 4.
    assert slopes(found)[:5, 17] == pytest.approx(DELTA_21[name], abs=1e-3)


def test_summary_is_mean_deviation_and_deviation_of_the_slope() -> None:
    sound = SIGNALS["chirp"].astype(np.float32)
    coefficients = mfcc(sound)

    found = mfcc_summary(sound)

    assert found is not None
    assert found.shape == (WIDTH,)
    assert np.array_equal(found[:20], coefficients.mean(axis=1))
    assert np.array_equal(found[20:40], coefficients.std(axis=1))


def test_steady_tone_hardly_moves_and_a_chirp_does() -> None:
    tone = mfcc_summary((0.5 * np.sin(2 * np.pi * 440 * T)).astype(np.float32))
    chirp = mfcc_summary(SIGNALS["chirp"].astype(np.float32))

    assert tone is not None
    assert chirp is not None
    assert chirp[41:].mean() > 3 * tone[41:].mean()


def test_silence_and_a_click_have_none() -> None:
    assert mfcc_summary(np.zeros(SAMPLE_RATE, np.float32)) is None
    assert mfcc_summary(np.ones(100, np.float32)) is None
    assert mfcc_summary(np.empty(0, np.float32)) is None


def test_cosines_are_orthonormal_and_those_of_scipy() -> None:
    from scipy.fft import dct

    found = cosines(32, 32)

    assert np.allclose(found @ found.T, np.eye(32), atol=1e-6)
    assert np.allclose(found, dct(np.eye(32), axis=0, norm="ortho"), atol=1e-6)
