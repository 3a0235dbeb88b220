"""The conditional logit: against its formula, and against what was planted."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.ranking.algorithms.choice import fit_choice, fit_scaling

FREE = np.zeros(2, np.bool_)
NOTHING_HELD = np.full(2, 1e-6)


def chosen_by(weights: list[float], x: NDArray, *, pools: int, seed: int = 0) -> NDArray:
    """Return one choice a pool, drawn by the softmax of x · weights."""
    z = (x @ np.array(weights)).reshape(pools, -1)
    noisy = z + np.random.default_rng(seed).gumbel(size=z.shape)
    return (noisy == noisy.max(axis=1, keepdims=True)).astype(np.float32).ravel()


@pytest.fixture(scope="module")
def x() -> NDArray:
    return np.random.default_rng(1).normal(size=(40_000, 2)).astype(np.float32)


def test_planted_weights_come_back(x: NDArray) -> None:
    chosen = chosen_by([1.5, -0.5], x, pools=4000)
    found = fit_choice(x, chosen, np.full(4000, 10), NOTHING_HELD, never_below=FREE)
    np.testing.assert_allclose(found, [1.5, -0.5], atol=0.08)


def test_what_a_pool_has_in_common_has_no_weight(x: NDArray) -> None:
    level = np.repeat(np.arange(4000) % 7, 10).astype(np.float32)
    chosen = chosen_by([1.5, 0], x, pools=4000)
    with_level = np.stack([x[:, 0], level], 1)
    found = fit_choice(with_level, chosen, np.full(4000, 10), NOTHING_HELD, never_below=FREE)
    assert found[1] == pytest.approx(0, abs=0.02)


def test_least_loss_of_one_pool_of_two_is_by_hand() -> None:
    # Chosen 3 : 1 and one unit apart: e^w = 3; a penalty p adds p·w to the slope.
    x = np.array([[1], [0]], np.float32)
    asked = {"sizes": np.array([2]), "never_below": FREE[:1]}
    found = fit_choice(x, np.array([3, 1], np.float32), penalty=np.array([0.0]), **asked)
    assert found[0] == pytest.approx(np.log(3), abs=1e-3)
    (held,) = fit_choice(x, np.array([3, 1], np.float32), penalty=np.array([2.0]), **asked)
    assert 4 / (1 + np.exp(-held)) - 3 + 2 * held == pytest.approx(0, abs=1e-3)
    x_chosen, held_to = np.array([3, 1], np.float32), np.array([1.5])
    (near,) = fit_choice(x, x_chosen, penalty=np.array([2.0]), toward=held_to, **asked)
    assert 4 / (1 + np.exp(-near)) - 3 + 2 * (near - 1.5) == pytest.approx(0, abs=1e-3)


def test_pool_without_a_choice_teaches_nothing(x: NDArray) -> None:
    chosen = chosen_by([1.5, -0.5], x[:1000], pools=100)
    alone = fit_choice(x[:1000], chosen, np.full(100, 10), np.full(2, 0.1), never_below=FREE)
    padded = np.concatenate([chosen, np.zeros(1000, np.float32)])
    # The mean is over twice as many pools, so that half the penalty holds back as much.
    both = fit_choice(x[:2000], padded, np.full(200, 10), np.full(2, 0.05), never_below=FREE)
    np.testing.assert_allclose(both, alone, atol=1e-3)


def test_weight_that_may_not_be_negative_stops_at_0(x: NDArray) -> None:
    chosen = chosen_by([-1.0, 1.0], x, pools=4000)
    found = fit_choice(x, chosen, np.full(4000, 10), NOTHING_HELD, never_below=~FREE)
    assert found[0] == 0
    assert found[1] > 0.5


class TestScaling:
    X = np.array([[1, 5, np.nan], [3, np.nan, np.nan], [5, 1, np.nan]], np.float32)
    FILLED_WITH_MOST = np.array([False, True, False])

    def test_it_gives_mean_0_and_deviation_1(self) -> None:
        scaled = fit_scaling(self.X, self.FILLED_WITH_MOST)(self.X)
        np.testing.assert_allclose(scaled[:, :2].mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(scaled[:, :2].std(axis=0), 1, atol=1e-6)

    def test_missing_is_the_most_or_the_mean(self) -> None:
        scaling = fit_scaling(self.X, self.FILLED_WITH_MOST)
        scaled = scaling(np.array([[np.nan, np.nan, np.nan], [3, 5, 9]], np.float32))
        np.testing.assert_array_equal(scaled[0, :2], scaled[1, :2])

    def test_what_is_never_known_is_0(self) -> None:
        assert (fit_scaling(self.X, self.FILLED_WITH_MOST)(self.X)[:, 2] == 0).all()

    def test_nothing_is_further_than_5_deviations(self) -> None:
        far = fit_scaling(self.X, self.FILLED_WITH_MOST)(np.full((1, 3), 1e6, np.float32))
        assert far.max() == 5
