"""From the learned ranker down to rank fusion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.index import best_rows
from apps.candidates.sources import SOURCES
from apps.candidates.tests.factories import make_catalog, make_request, two_communities, watched
from apps.candidates.types import Request
from apps.core.pipeline import Outcome, Pipeline
from apps.ranking.objective import SELECT_ALONE
from apps.ranking.pool import kindred_fusion, opinions, rank_fusion
from apps.ranking.rankers import SELECT_NAMES, Rankers, select_features
from apps.ranking.scorers import Depth, LearnedSelect, NoRankerError, RankFusion, TasteOrder
from apps.ranking.select import fit as fit_select
from apps.ranking.select import unlearned
from apps.ranking.tests.factories import TINY_SELECT, make_examples, make_pool, make_rankers

CATALOG = make_catalog(40)
NOTHING = np.zeros(len(CATALOG), np.bool_)


@pytest.fixture(scope="module")
def rankers() -> Rankers:
    return make_rankers()


@pytest.fixture
def request_() -> Request:
    return make_request(CATALOG, watched(3, 4), log=two_communities())


def run(request: Request, rankers: Rankers | None, *, ranked: int = 10) -> Outcome:
    depth = Depth(ranked, ranked)
    by_select = LearnedSelect(lambda request: rankers, lambda request: depth, lambda: SELECT_ALONE)
    ladder = (by_select, RankFusion())
    return Pipeline(SOURCES, (), ladder, ()).run(request, NOTHING)


class TestLadder:
    def test_learned_select_gives_the_score_where_there_is_one(
        self, request_: Request, rankers: Rankers
    ) -> None:
        outcome = run(request_, rankers)
        assert outcome.degraded == ()
        features = outcome.candidates["features"]
        assert features.shape == (10, len(SELECT_NAMES))
        expected = rankers.select.predict(features) / rankers.select.mean
        np.testing.assert_allclose(outcome.candidates["score"], expected, rtol=1e-12)

    def test_best_of_the_pool_by_rank_fusion_are_ranked(
        self, request_: Request, rankers: Rankers
    ) -> None:
        pool = run(request_, None).candidates
        best = np.argsort(-rank_fusion(opinions(pool)), kind="stable")[:10]
        assert run(request_, rankers).candidates.rows.tolist() == pool.rows[best].tolist()

    def test_rank_fusion_takes_over_before_the_first_training(self, request_: Request) -> None:
        outcome = run(request_, None)
        assert outcome.degraded == ("scorer:learned_select",)
        np.testing.assert_array_equal(
            outcome.candidates["score"], kindred_fusion(opinions(outcome.candidates))
        )

    def test_rank_fusion_takes_over_when_there_was_too_little_to_learn(
        self, request_: Request, rankers: Rankers
    ) -> None:
        outcome = run(request_, replace(rankers, select=unlearned()))
        assert outcome.degraded == ("scorer:learned_select",)

    def test_rank_fusion_takes_over_from_a_ranker_that_fails(
        self, request_: Request, rankers: Rankers
    ) -> None:
        x, y = make_examples(3)
        wrong = fit_select(x, y, np.full(20, 20), ["a", "b", "c"], TINY_SELECT)
        outcome = run(request_, replace(rankers, select=wrong))
        assert outcome.degraded == ("scorer:learned_select",)
        assert np.isfinite(outcome.candidates["score"]).all()

    def test_missing_ranker_says_what_to_do(self, request_: Request) -> None:
        with pytest.raises(NoRankerError, match=r"manage\.py train"):
            LearnedSelect(lambda request: None, lambda request: Depth(10, 10))(
                request_, make_pool(3)
            )

    def test_what_the_viewer_may_like_is_scored_though_no_crowd_knows_it(
        self, rankers: Rankers
    ) -> None:
        n = 300
        crowd = [float(n - i) for i in range(n)]
        hope = [0.1] * (n - 60) + [0.9] * 60  # of what the crowd puts last
        pool = make_pool(n, popular_1d=crowd, popular_7d=crowd, nearest=crowd, liked_kinds=hope)
        request = make_request(make_catalog(n))

        def scored(explores: bool) -> set[int]:
            depth = Depth(10, 10, explores=explores)
            found = LearnedSelect(lambda request: rankers, lambda request: depth)(request, pool)
            return set(found.rows.tolist())

        assert len(scored(explores=True) & set(range(n - 60, n))) == 50
        assert len(scored(explores=False)) == 10

    def test_no_candidates_are_scored_as_none(self, request_: Request, rankers: Rankers) -> None:
        scored = LearnedSelect(lambda request: rankers, lambda request: Depth(10, 10))(
            request_, make_pool(0)
        )
        assert len(scored) == len(scored["score"]) == 0


def depth_of_ten(request: Request) -> Depth:
    return Depth(10, 10)


class TestTasteOrder:
    def test_serves_before_the_first_training(self) -> None:
        catalog = make_catalog(40, category=np.arange(40) % 5, categories=tuple("abcde"))
        request = make_request(catalog, watched(3, 8))
        none = LearnedSelect(lambda request: None, lambda request: Depth(10, 10))
        pipeline = Pipeline(SOURCES, (), (none, TasteOrder(depth_of_ten), RankFusion()), ())
        found = pipeline.run(request, request.excluded()).candidates
        best = found.rows[np.argsort(-found["score"])[:4]]
        assert set(catalog.category[best]) == {3}
        assert np.isfinite(found["score"]).all()

    def test_keeps_what_the_learned_ranker_would_have_seen_of_the_best(self) -> None:
        catalog = make_catalog(40, category=np.arange(40) % 5, categories=tuple("abcde"))
        request = make_request(catalog, watched(3, 8))
        pool = Pipeline(SOURCES, (), (), ()).run(request, request.excluded()).candidates
        scored = TasteOrder(depth_of_ten)(request, pool)
        best = best_rows(scored["score"], 10)
        seen = select_features(request, pool, opinions(pool), best)
        np.testing.assert_array_equal(scored["features"][best], seen)
        others = np.setdiff1d(np.arange(len(pool)), best)
        assert len(others)
        assert np.isnan(scored["features"][others]).all()

    def test_no_candidates_are_scored_as_none(self, request_: Request) -> None:
        assert len(TasteOrder(depth_of_ten)(request_, make_pool(0))["score"]) == 0
