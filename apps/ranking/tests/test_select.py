"""The select ranker: two boosters on one scale, learned from pools."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.ranking.algorithms.loss import logit
from apps.ranking.select import SelectRanker, fit, load_select, unlearned
from apps.ranking.tests.factories import TINY_SELECT, make_examples

NAMES = [f"f{i}" for i in range(5)]
X, Y = make_examples(5, 600)
SIZES = np.tile([10, 30, 20], 10)


@pytest.fixture(scope="module")
def select() -> SelectRanker:
    return fit(X, Y, SIZES, NAMES, TINY_SELECT)


def spread(values: NDArray) -> float:
    pools = np.split(values, np.cumsum(SIZES)[:-1])
    return float(np.sqrt(np.mean([pool.var() for pool in pools])))


def places(select: SelectRanker, x: NDArray) -> NDArray:
    slope, intercept = select.line
    return slope * select.order.margin(x) + intercept


def test_both_boosters_are_put_on_one_scale(select: SelectRanker) -> None:
    chance, order = logit(select.chance.predict(X)), places(select, X)
    assert spread(order) == pytest.approx(spread(chance))
    assert order.mean() == pytest.approx(chance.mean())


def test_answer_is_the_mean_of_both_in_log_odds(select: SelectRanker) -> None:
    expected = (logit(select.chance.predict(X)) + places(select, X)) / 2
    np.testing.assert_allclose(logit(select.predict(X)), expected, atol=1e-9)


def test_what_decides_is_found_by_both(select: SelectRanker) -> None:
    for booster in (select.chance, select.order):
        gain = booster.importance()
        assert max(gain, key=lambda name: gain[name]) == "f0"
    assert sum(select.importance().values()) == pytest.approx(1)


def test_a_candidate_scores_the_same_alone_as_among_others(select: SelectRanker) -> None:
    np.testing.assert_array_equal(select.predict(X)[7:8], select.predict(X[7:8]))


def test_mean_is_that_of_the_candidates_learned_from(select: SelectRanker) -> None:
    assert select.mean == pytest.approx(select.predict(X).mean())


def test_order_learns_from_pools_not_from_levels() -> None:
    # Positives only where the pool's own level is: within a pool f1 decides, between them f0.
    rng = np.random.default_rng(0)
    level = np.repeat(rng.normal(size=60), 10).astype(np.float32)
    within = rng.normal(size=600).astype(np.float32)
    y = (4 * level + within > 0).astype(np.float32)
    sizes = np.full(60, 10)
    found = fit(np.stack([level, within], 1), y, sizes, ["level", "within"], TINY_SELECT)
    assert found.chance.importance()["level"] > 0.5
    assert found.order.importance()["within"] > 0.5


def test_parts_teach_what_the_whole_does(select: SelectRanker) -> None:
    again = fit([X[:300], X[300:]], Y, SIZES, NAMES, TINY_SELECT)
    np.testing.assert_array_equal(again.predict(X), select.predict(X))


def test_few_positives_teach_nothing() -> None:
    few = np.where(np.arange(600) < 39, 1, 0).astype(np.float32)
    assert not fit(X, few, SIZES, NAMES, TINY_SELECT).is_learned
    assert not unlearned().is_learned


def test_predictions_are_those_before_after_a_file(select: SelectRanker, tmp_path: Path) -> None:
    again = load_select(tmp_path, select.save(tmp_path))
    np.testing.assert_array_equal(again.predict(X), select.predict(X))
    assert again.mean == select.mean
