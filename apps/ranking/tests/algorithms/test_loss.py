"""The loss: what scikit-learn says, finite at any logit, and blind to labels that are missing."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss

from apps.ranking.algorithms.loss import logit, losses, mean_loss, sigmoid


def test_loss_is_the_log_loss_of_sklearn() -> None:
    rng = np.random.default_rng(0)
    z, y = rng.normal(0, 3, 500), (rng.random(500) < 0.3).astype(float)
    loss, _ = mean_loss(z[:, None], y[:, None])
    assert loss == pytest.approx(log_loss(y, sigmoid(z)), abs=1e-12)


def test_logits_of_800_give_800_and_0() -> None:
    z = np.array([800.0, -800.0, 800.0, -800.0])
    assert losses(z, np.array([0.0, 1.0, 1.0, 0.0])).tolist() == [800, 800, 0, 0]


def test_slope_is_that_of_the_loss() -> None:
    rng = np.random.default_rng(1)
    z, y = rng.normal(size=(6, 2)), rng.random((6, 2))
    _, slope = mean_loss(z, y)
    moved = z.copy()
    moved[3, 1] += 1e-6
    change = (mean_loss(moved, y)[0] - mean_loss(z, y)[0]) / 1e-6
    assert slope[3, 1] == pytest.approx(change, rel=1e-4)


def test_missing_labels_count_nowhere() -> None:
    z = np.array([[0.5, 1.0], [2.0, -1.0]])
    y = np.array([[1.0, np.nan], [0.0, 1.0]])
    loss, slope = mean_loss(z, y)
    # Head 1 has one label: its loss alone, not half of it.
    expected = mean_loss(z[:, :1], y[:, :1])[0] + float(losses(z[1, 1], y[1, 1]))
    assert loss == pytest.approx(expected)
    assert slope[0, 1] == 0


def test_head_without_labels_adds_nothing() -> None:
    loss, slope = mean_loss(np.ones((3, 1)), np.full((3, 1), np.nan))
    assert loss == 0
    assert not slope.any()


def test_logit_undoes_sigmoid() -> None:
    z = np.linspace(-12, 12, 25)
    np.testing.assert_allclose(logit(sigmoid(z)), z, atol=1e-9)
