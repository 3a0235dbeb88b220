"""Platt's line: what is predicted happens as often, and no order is turned around."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from apps.ranking.algorithms.calibration import fit_platt
from apps.ranking.algorithms.loss import sigmoid
from apps.ranking.tests.factories import calibration_error


def overconfident(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return logits twice too large and a third too high, and what happened."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1, 1, n)
    return 2 * truth + 0.3, (rng.random(n) < sigmoid(truth)).astype(float)


def test_platt_is_the_logistic_regression_of_one_feature() -> None:
    z, y = overconfident(5000, 0)
    slope, intercept = fit_platt(z, y)
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(z[:, None], y)
    assert slope == pytest.approx(peer.coef_[0, 0], abs=1e-3)
    assert intercept == pytest.approx(peer.intercept_[0], abs=1e-3)


def test_error_on_held_out_pairs_is_below_a_hundredth() -> None:
    # With 10⁵ pairs in 10 bins chance alone gives about √(.2/10⁴)·.8 = .004.
    slope, intercept = fit_platt(*overconfident(50_000, 0))
    z, y = overconfident(100_000, 1)
    assert calibration_error(sigmoid(z), y) > 0.03
    assert calibration_error(sigmoid(slope * z + intercept), y) <= 0.01


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(30, 400), st.floats(0, 1))
def test_order_is_never_turned_around(seed: int, n: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    slope, intercept = fit_platt(rng.normal(0, 3, n), (rng.random(n) < rate).astype(float))
    assert slope > 0
    assert np.isfinite(intercept)


def test_error_is_the_mean_distance_of_the_bins() -> None:
    # Bins {.1, .1} and {.9, .9}: |.1 − .5| and |.9 − 1|, half each
    p, y = np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
    assert calibration_error(p, y, n_bins=2) == pytest.approx(0.25)
