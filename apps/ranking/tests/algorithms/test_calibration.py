"""Calibration: what is predicted happens as often, and no order is turned around."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from apps.ranking.algorithms.calibration import (
    IDENTITY,
    fit,
    fit_isotonic,
    fit_platt,
)
from apps.ranking.algorithms.loss import sigmoid
from apps.ranking.tests.factories import calibration_error


def overconfident(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return logits twice too large and a third too high, and what happened."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1, 1, n)
    return 2 * truth + 0.3, (rng.random(n) < sigmoid(truth)).astype(float)


def test_platt_is_the_logistic_regression_of_one_feature() -> None:
    z, y = overconfident(5000, 0)
    line = fit_platt(z, y)
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(z[:, None], y)
    assert line.tail == pytest.approx(peer.coef_[0, 0], abs=1e-3)
    assert line.values[0] == pytest.approx(peer.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("fitter", [fit_platt, fit_isotonic])
def test_error_on_held_out_pairs_is_below_a_hundredth(fitter: object) -> None:
    # With 10⁵ pairs in 10 bins chance alone gives about √(.2/10⁴)·.8 = .004.
    calibrated = fitter(*overconfident(50_000, 0))  # type: ignore[operator]
    z, y = overconfident(100_000, 1)
    assert calibration_error(sigmoid(z), y) > 0.03
    assert calibration_error(sigmoid(calibrated(z)), y) <= 0.01


def test_blocks_are_those_of_sklearn() -> None:
    z, y = overconfident(3000, 2)
    ours = fit_isotonic(z, y)
    order = np.argsort(z, kind="stable")
    blocks = np.array_split(order, 30)
    rates = [(y[b].sum(), len(b)) for b in blocks]
    peer = IsotonicRegression().fit_transform(
        np.arange(30), [s / n for s, n in rates], sample_weight=[n for _, n in rates]
    )
    np.testing.assert_allclose(sigmoid(ours.values), np.unique(np.round(peer, 12)), atol=1e-9)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(30, 400), st.floats(0, 1))
def test_order_is_never_turned_around(seed: int, n: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    z, y = rng.normal(0, 3, n), (rng.random(n) < rate).astype(float)
    asked = np.sort(rng.normal(0, 20, 200))
    for calibrated in (fit(z, y), fit_isotonic(z, y), fit_platt(z, y)):
        assert np.isfinite(calibrated(asked)).all()
        assert (np.diff(calibrated(asked)) >= 0).all()


def test_one_label_only_teaches_nothing() -> None:
    assert fit(np.arange(5.0), np.ones(5)) is IDENTITY
    np.testing.assert_array_equal(IDENTITY(np.array([-3.0, 0.5])), [-3.0, 0.5])


def test_common_labels_get_steps_and_rare_ones_a_line() -> None:
    z, y = overconfident(20_000, 3)
    assert len(fit(z, y).knots) > 1
    assert len(fit(z[:500], y[:500]).knots) == 1


def test_error_is_the_mean_distance_of_the_bins() -> None:
    # Bins {.1, .1} and {.9, .9}: |.1 − .5| and |.9 − 1|, half each
    p, y = np.array([0.1, 0.1, 0.9, 0.9]), np.array([0.0, 1.0, 1.0, 1.0])
    assert calibration_error(p, y, n_bins=2) == pytest.approx(0.25)
