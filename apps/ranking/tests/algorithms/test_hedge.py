"""Hedge: who did better lately has the weight, and nobody is forgotten for good."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from apps.ranking.algorithms.hedge import HALF_LIFE, Hedge, best_weights
from apps.ranking.algorithms.loss import losses, sigmoid

EVEN = Hedge(np.array([0.5, 0.5]), np.zeros(2))


def test_weights_are_those_of_the_formula() -> None:
    # e^(−.1·10) = .368 against 1, of priors .25 and .75: .092 / .842
    weights = Hedge(np.array([0.25, 0.75]), np.array([20.0, 10.0])).weights()
    assert weights[0] == pytest.approx(0.25 * np.exp(-1) / (0.25 * np.exp(-1) + 0.75))


def test_before_any_loss_the_weights_are_the_prior() -> None:
    assert Hedge(np.array([0.2, 0.8]), np.zeros(2)).weights().tolist() == pytest.approx([0.2, 0.8])


def test_loss_counts_half_after_the_half_life() -> None:
    once = EVEN.after(np.array([[1.0, 0.0]]))
    later = once.after(np.zeros((int(HALF_LIFE), 2)))
    assert later.total.tolist() == pytest.approx([0.5, 0.0])


def test_one_batch_is_as_good_as_its_parts() -> None:
    each = np.random.default_rng(0).random((300, 2))
    parts = EVEN.after(each[:100]).after(each[100:])
    np.testing.assert_allclose(EVEN.after(each).total, parts.total)


def test_an_expert_that_fails_loses_its_weight_and_wins_it_back() -> None:
    good, bad = np.full(1500, 0.5), np.full(1500, 0.7)
    failed = EVEN.after(np.stack([bad, good], axis=1))
    assert failed.weights()[0] < 0.01
    again = failed.after(np.tile(np.stack([good, bad], axis=1), (3, 1)))
    assert again.weights()[0] > 0.9


@given(arrays(np.float64, (20, 3), elements=st.floats(0, 40)))
def test_weights_are_shares_whatever_the_losses(each: np.ndarray) -> None:
    weights = Hedge(np.array([0.2, 0.3, 0.5]), np.zeros(3)).after(each).weights()
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()


class TestBestWeights:
    def test_mix_is_no_worse_than_either_alone_but_for_the_last_step(self) -> None:
        rng = np.random.default_rng(0)
        truth = rng.normal(size=4000)
        y = (rng.random(4000) < sigmoid(truth)).astype(float)
        z = truth[:, None] + rng.normal(0, [0.8, 1.0], (4000, 2))
        weights = best_weights(z, y)
        mixed = losses(z @ weights, y).mean()
        assert 0.5 < weights[0] < 0.9
        assert mixed < min(losses(z[:, 0], y).mean(), losses(z[:, 1], y).mean())

    def test_an_expert_of_noise_keeps_one_step(self) -> None:
        rng = np.random.default_rng(0)
        truth = rng.normal(size=2000)
        y = (rng.random(2000) < sigmoid(truth)).astype(float)
        z = np.stack([truth, 3 * rng.normal(size=2000)], axis=1)
        assert best_weights(z, y).tolist() == pytest.approx([0.95, 0.05])
