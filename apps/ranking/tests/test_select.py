"""The select ranker: a line learned within pools, and trees that start from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.ranking.algorithms.loss import logit
from apps.ranking.select import HOPE, Line, SelectRanker, fit, load_select, unlearned
from apps.ranking.tests.factories import TINY_SELECT, make_examples

NAMES = [f"f{i}" for i in range(5)]
X, Y = make_examples(5, 600)
SIZES = np.tile([10, 30, 20], 10)


@pytest.fixture(scope="module")
def select() -> SelectRanker:
    return fit(X, Y, SIZES, NAMES, TINY_SELECT)


def line_of(select: SelectRanker) -> Line:
    assert select.line is not None
    return select.line


def test_trees_add_to_the_line(select: SelectRanker) -> None:
    expected = line_of(select).odds(X) + select.trees.margin(X)
    np.testing.assert_allclose(logit(select.predict(X)), expected, atol=1e-9)


def test_what_decides_is_found(select: SelectRanker) -> None:
    share = select.importance()
    assert max(share, key=lambda name: share[name]) == "f0"
    assert sum(share.values()) == pytest.approx(1)
    assert np.abs(line_of(select).weights).argmax() == 0


def test_candidate_scores_the_same_alone_as_among_others(select: SelectRanker) -> None:
    np.testing.assert_array_equal(select.predict(X)[7:8], select.predict(X[7:8]))


def test_chance_is_the_share_that_was_watched(select: SelectRanker) -> None:
    assert select.mean == pytest.approx(select.predict(X).mean())
    assert line_of(select).odds(X).mean() == pytest.approx(0, abs=0.3)  # Y is half ones
    assert select.mean == pytest.approx(Y.mean(), abs=0.02)


def test_line_learns_from_pools_not_from_levels() -> None:
    # Positives mostly where the pool's own level is: within a pool f1 decides, between them f0.
    rng = np.random.default_rng(0)
    level = np.repeat(rng.normal(size=60), 10).astype(np.float32)
    within = rng.normal(size=600).astype(np.float32)
    y = (4 * level + within > 0).astype(np.float32)
    x = np.stack([level, within], 1)
    found = fit(x, y, np.full(60, 10), ["level", "within"], TINY_SELECT)
    on_level, on_within = line_of(found).weights
    assert on_within > 0.3
    assert abs(on_level) < 0.01
    assert found.trees.importance()["level"] > 0.5


def test_trees_learn_what_no_line_can_say() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 2)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.float32)
    more = replace(TINY_SELECT.trees, trees=40, rate=0.3, feature_share=1.0)
    found = fit(x, y, np.full(100, 20), ["a", "b"], replace(TINY_SELECT, trees=more))
    assert np.abs(line_of(found).odds(x)).max() < 1
    assert ((found.predict(x) > 0.5) == y).mean() > 0.9


def test_hope_counts_from_few_examples_and_never_against() -> None:
    rng = np.random.default_rng(0)
    hope = rng.uniform(0.01, 0.9, 400).astype(np.float32)
    x = np.stack([hope, hope, rng.normal(size=400).astype(np.float32)], 1)
    names = [HOPE, "z.other", "noise"]
    y = (rng.random(400) < hope).astype(np.float32)
    sizes = np.full(20, 20)
    with_hope = line_of(fit(x, y, sizes, names, TINY_SELECT))
    assert with_hope.weights[0] > abs(with_hope.weights[1])  # where the other is held back
    free = replace(TINY_SELECT, l2=1e-4)
    against = line_of(fit(x[:, [0, 2]], 1 - y, sizes, [HOPE, "noise"], free))
    assert against.weights[0] == 0


def test_few_candidates_leave_the_order_to_hope_whatever_they_say() -> None:
    rng = np.random.default_rng(0)
    hope = rng.uniform(0.1, 0.9, 400).astype(np.float32)
    other = (1 - hope + rng.normal(size=400)).astype(np.float32)
    x = np.stack([hope, other], 1)
    y = (rng.random(400) < 1 - hope).astype(np.float32)  # the few say the contrary
    found = line_of(fit(x, y, np.full(20, 20), [HOPE, "z.other"], TINY_SELECT, counts_as=1.0))
    odds = found.odds(np.array([[0.2, 0], [0.4, 0], [0.8, 0]], np.float32))
    assert odds[0] < odds[1] < odds[2]
    assert odds[1] - odds[0] == pytest.approx(odds[2] - odds[1])  # as the logarithm
    assert abs(found.weights[1]) < 0.01 * found.weights[0]


def test_few_candidates_move_little_beside_hope() -> None:
    rng = np.random.default_rng(0)
    hope, other = rng.uniform(0.01, 0.9, (2, 4000)).astype(np.float32)
    x = np.stack([hope, other], 1)
    y = (rng.random(4000) < 0.5 * (hope + other)).astype(np.float32)

    def weight_of_other(n: int, few: float) -> float:
        params = replace(TINY_SELECT, few_for_line=few)
        line = line_of(fit(x[:n], y[:n], np.full(n // 20, 20), [HOPE, "z.other"], params))
        return float(line.weights[1] / line.weights[0])

    assert weight_of_other(200, few=60_000) < 0.5 * weight_of_other(4000, few=60_000)
    assert weight_of_other(200, few=0) > 0.5 * weight_of_other(4000, few=0)


def test_few_candidates_slow_the_trees(select: SelectRanker) -> None:
    slow = fit(X, Y, SIZES, NAMES, replace(TINY_SELECT, few_for_trees=9 * len(Y)))
    assert np.abs(slow.trees.margin(X)).max() < 0.3 * np.abs(select.trees.margin(X)).max()


def test_scores_without_a_unit_are_left_to_the_trees() -> None:
    found = fit(X, Y, SIZES, ["score.nearest", *NAMES[1:]], TINY_SELECT)
    assert line_of(found).columns.tolist() == [1, 2, 3, 4]
    assert found.trees.importance()["score.nearest"] > 0.5


def test_no_place_is_the_last_place() -> None:
    rng = np.random.default_rng(0)
    place = rng.uniform(1, 9, 600).astype(np.float32)
    y = (place < 3).astype(np.float32)
    place[place > 5] = np.nan
    line = line_of(fit(place[:, None], y, SIZES, ["rank.nearest"], TINY_SELECT))
    first, last, none = line.odds(np.array([[1], [5], [np.nan]], np.float32))
    assert first > last
    assert none == pytest.approx(last, abs=0.1)


def test_parts_teach_what_the_whole_does(select: SelectRanker) -> None:
    again = fit([X[:300], X[300:]], Y, SIZES, NAMES, TINY_SELECT)
    np.testing.assert_allclose(again.predict(X), select.predict(X), atol=1e-4)


def test_few_positives_teach_nothing() -> None:
    few = np.where(np.arange(600) < 39, 1, 0).astype(np.float32)
    assert not fit(X, few, SIZES, NAMES, TINY_SELECT).is_learned
    assert not unlearned().is_learned


def test_predictions_are_those_before_after_a_file(select: SelectRanker, tmp_path: Path) -> None:
    again = load_select(tmp_path, select.save(tmp_path))
    np.testing.assert_array_equal(again.predict(X), select.predict(X))
    assert again.mean == select.mean
