"""The cascade: which ranker speaks for which candidate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.ranking import cascade
from apps.ranking.inputs import Inputs
from apps.ranking.objective import SELECT_ALONE, Objective
from apps.ranking.rankers import SELECT_NAMES, Rankers
from apps.ranking.tests.factories import make_examples, make_inputs, make_rankers
from apps.ranking.types import NEURAL, SELECT, Head

N = 60
LIKES = Objective({SELECT: 1.0, Head.LIKE: 0.5})
FEATURES, _ = make_examples(len(SELECT_NAMES), N, seed=5)
PAIRS: Inputs = make_inputs(N, seed=6)[0]


@pytest.fixture(scope="module")
def rankers() -> Rankers:
    return make_rankers()


def likes(rankers: Rankers, *, by_trees: bool) -> np.ndarray:
    if by_trees:
        found = rankers.predict_some(PAIRS, [Head.LIKE])[Head.LIKE]
    else:
        assert rankers.neural is not None
        network = {NEURAL: rankers.neural.predict(PAIRS)}
        found = rankers.blend.mix(network, [Head.LIKE])[Head.LIKE]
    return 0.5 * (found / rankers.means[Head.LIKE] - 1)


def test_trees_speak_for_the_best_and_the_network_for_the_others(rankers: Rankers) -> None:
    scored = cascade.score(rankers, LIKES, FEATURES, PAIRS, refined=10)
    before = scored.adds[SELECT] + likes(rankers, by_trees=False)
    is_best = np.isin(np.arange(N), np.argsort(-before, kind="stable")[:10])
    expected = np.where(is_best, likes(rankers, by_trees=True), likes(rankers, by_trees=False))
    np.testing.assert_allclose(scored.adds[Head.LIKE], expected, rtol=1e-6)


def test_all_are_refined_where_there_are_few(rankers: Rankers) -> None:
    scored = cascade.score(rankers, LIKES, FEATURES, PAIRS, refined=N)
    np.testing.assert_allclose(scored.adds[Head.LIKE], likes(rankers, by_trees=True), rtol=1e-6)


def test_without_a_network_the_trees_speak_for_all(rankers: Rankers) -> None:
    alone = replace(rankers, neural=None)
    scored = cascade.score(alone, LIKES, FEATURES, PAIRS, refined=10)
    np.testing.assert_allclose(scored.adds[Head.LIKE], likes(alone, by_trees=True), rtol=1e-6)


def test_score_is_the_sum_of_what_is_added(rankers: Rankers) -> None:
    scored = cascade.score(rankers, LIKES, FEATURES, PAIRS, refined=10)
    np.testing.assert_allclose(scored.score, scored.adds[SELECT] + scored.adds[Head.LIKE])


def test_select_alone_asks_no_head(rankers: Rankers) -> None:
    blind = replace(rankers, boosted=None, neural=None)  # type: ignore[arg-type]
    scored = cascade.score(blind, SELECT_ALONE, FEATURES, PAIRS, refined=10)
    assert list(scored.adds) == [SELECT]
    np.testing.assert_allclose(scored.score, rankers.select.predict(FEATURES) / rankers.select.mean)


def test_a_negative_term_moves_its_candidates_down(rankers: Rankers) -> None:
    strict = Objective({SELECT: 1e-9, Head.LIKE: -1.0})
    scored = cascade.score(rankers, strict, FEATURES, PAIRS, refined=N)
    p = rankers.predict_some(PAIRS, [Head.LIKE])[Head.LIKE]
    assert scored.score.argmax() == p.argmin()
