"""From the learned ranker down to rank fusion, and the spread of creators in a page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.candidates.sources import SOURCES
from apps.candidates.tests.factories import make_catalog, make_request, two_communities, watched
from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.core.pipeline import Outcome, Pipeline
from apps.ranking.boosters import Frame, Model
from apps.ranking.pool import opinions, rank_fusion
from apps.ranking.rankers import SELECT_NAMES, Rankers
from apps.ranking.scorers import CreatorCap, LearnedSelect, NoRankerError, RankFusion
from apps.ranking.tests.factories import TINY, make_examples, make_pool, make_rankers

CATALOG = make_catalog(40)
NOTHING = np.zeros(len(CATALOG), np.bool_)


@pytest.fixture(scope="module")
def rankers() -> Rankers:
    return make_rankers()


@pytest.fixture
def request_() -> Request:
    return make_request(CATALOG, watched(3, 4), log=two_communities())


def run(request: Request, rankers: Rankers | None, *, ranked: int = 10) -> Outcome:
    ladder = (LearnedSelect(lambda: rankers, ranked), RankFusion())
    return Pipeline(SOURCES, (), ladder, ()).run(request, NOTHING)


class TestLadder:
    def test_learned_select_gives_the_score_where_there_is_one(
        self, request_: Request, rankers: Rankers
    ) -> None:
        outcome = run(request_, rankers)
        assert outcome.degraded == ()
        features = outcome.candidates["features"]
        assert features.shape == (10, len(SELECT_NAMES))
        np.testing.assert_array_equal(outcome.candidates["score"], rankers.select.predict(features))

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
            outcome.candidates["score"], rank_fusion(opinions(outcome.candidates))
        )

    def test_rank_fusion_takes_over_when_there_was_too_little_to_learn(
        self, request_: Request, rankers: Rankers
    ) -> None:
        outcome = run(request_, replace(rankers, select=Model(None, 0.1)))
        assert outcome.degraded == ("scorer:learned_select",)

    def test_rank_fusion_takes_over_from_a_ranker_that_fails(
        self, request_: Request, rankers: Rankers
    ) -> None:
        x, y = make_examples(3)
        wrong = Model(Frame(x, ["a", "b", "c"]).train(y, TINY), 0.5)
        outcome = run(request_, replace(rankers, select=wrong))
        assert outcome.degraded == ("scorer:learned_select",)
        assert np.isfinite(outcome.candidates["score"]).all()

    def test_missing_ranker_says_what_to_do(self, request_: Request) -> None:
        with pytest.raises(NoRankerError, match=r"manage\.py train"):
            LearnedSelect(lambda: None, 10)(request_, make_pool(3))

    def test_no_candidates_are_scored_as_none(self, request_: Request, rankers: Rankers) -> None:
        scored = LearnedSelect(lambda: rankers, 10)(request_, make_pool(0))
        assert len(scored) == len(scored["score"]) == 0


SCORES = st.lists(
    st.tuples(st.floats(-5, 5, allow_subnormal=False), st.integers(0, 3)), max_size=25
)


def capped(pairs: list[tuple[float, int]], *, cap: int = 2, decay: float = 0.6) -> Candidates:
    """Return the page of candidates with these scores and creators; row i is the i-th pair."""
    scores = np.array([score for score, _ in pairs])
    catalog = make_catalog(len(pairs), creator=[creator for _, creator in pairs])
    candidates = Candidates(np.arange(len(pairs)), {"score": scores, "id": np.arange(len(pairs))})
    return CreatorCap(cap, decay)(make_request(catalog), candidates)


class TestCreatorCap:
    @given(SCORES)
    def test_nothing_is_lost_or_doubled(self, pairs: list[tuple[float, int]]) -> None:
        page = capped(pairs)
        assert sorted(page.rows.tolist()) == list(range(len(pairs)))
        assert page["id"].tolist() == page.rows.tolist()

    @given(SCORES, st.integers(1, 3))
    def test_none_over_the_cap_comes_before_one_within(
        self, pairs: list[tuple[float, int]], cap: int
    ) -> None:
        creators = [pairs[row][1] for row in capped(pairs, cap=cap).rows.tolist()]
        nth = [creators[:i].count(creator) for i, creator in enumerate(creators)]
        is_over = [n >= cap for n in nth]
        assert is_over == sorted(is_over)

    @given(SCORES)
    def test_contents_of_one_creator_stay_best_first(self, pairs: list[tuple[float, int]]) -> None:
        page = capped(pairs)
        for creator in range(4):
            mine = [score for score, row in zip(page["score"], page.rows, strict=True)
                    if pairs[row][1] == creator]  # fmt: skip
            assert mine == sorted(mine, reverse=True)

    def test_equal_scores_keep_their_order(self) -> None:
        pairs = [(1.0, creator) for creator in (3, 1, 2, 0)]
        assert capped(pairs).rows.tolist() == [0, 1, 2, 3]

    def test_scores_are_reported_as_the_ranker_gave_them(self) -> None:
        assert capped([(1.0, 0), (3.0, 0)])["score"].tolist() == [3.0, 1.0]
