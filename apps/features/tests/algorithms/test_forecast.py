"""ARIMA says whether a burst holds."""

from __future__ import annotations

import numpy as np
import pytest

from apps.features.algorithms.forecast import ForecastParams, first_factor, trend_factor

PARAMS = ForecastParams()


@pytest.fixture(scope="module")
def quiet() -> np.ndarray:
    return np.random.default_rng(0).poisson(6, 40).astype(float)


def test_burst_that_holds_has_a_factor_of_its_height(quiet: np.ndarray) -> None:
    high, higher = (
        trend_factor(np.append(quiet, [level * 0.8, level, level, level]), 6, PARAMS)
        for level in (30.0, 90.0)
    )

    assert 0.4 < high < higher < 1


def test_quiet_series_has_none(quiet: np.ndarray) -> None:
    assert trend_factor(quiet, 6, PARAMS) == 0


def test_burst_that_is_over_has_none(quiet: np.ndarray) -> None:
    assert trend_factor(np.concatenate([quiet, [60, 60], quiet[:8]]), 6, PARAMS) == 0


def test_short_and_flat_series_say_nothing() -> None:
    assert trend_factor(np.array([9.0, 50.0]), 1, PARAMS) == 0
    assert trend_factor(np.full(40, 9.0), 1, PARAMS) == 0


def test_half_of_a_first_burst_is_expected_to_stay() -> None:
    # (4 + .5 · 36 − 4) / 4 = 4.5, squashed: 4.5 / 5.5.
    assert first_factor(40, 4, PARAMS) == pytest.approx(4.5 / 5.5)
    assert first_factor(1, 4, PARAMS) == 0
