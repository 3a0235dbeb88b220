"""How a page is spread over creators, sounds, tags and what contents are like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.candidates.tests.factories import make_catalog, make_request
from apps.content.types import MAX_TAGS
from apps.core.candidates import Candidates
from apps.ranking.diversify import Diversify, Diversity


def by_score(cap: int = 2, decay: float = 0.6) -> Diversify:
    return Diversify(lambda request: Diversity(50, 1.0, creator_cap=cap, creator_decay=decay))


def order(scores: list[float], creators: list[int], *, cap: int = 2, decay: float = 0.1) -> list:
    """Return the rows as `Diversify` orders them by score alone; row i has scores[i]."""
    catalog = make_catalog(len(scores), creator=creators)
    candidates = Candidates(np.arange(len(scores)), {"score": np.array(scores, np.float64)})
    return by_score(cap, decay)(make_request(catalog), candidates).rows.tolist()


def test_candidates_of_different_creators_come_best_first() -> None:
    assert order([1, 3, 2], [0, 1, 2]) == [1, 2, 0]


def test_second_content_of_a_creator_is_discounted() -> None:
    # 3 → 3; 2 · 0.1 = 0.2, so 1 of another creator comes before it
    assert order([3, 2, 1, 0], [0, 0, 1, 2]) == [0, 2, 1, 3]


def test_contents_over_the_cap_come_last_and_are_not_lost() -> None:
    assert order([9, 8, 7, 1], [0, 0, 0, 1], decay=1) == [0, 1, 3, 2]


def test_candidate_that_sank_does_not_stop_the_discount() -> None:
    # As above: 2 · 0.1 is less than 1, whatever has no score at all
    assert order([3, 2, 1, 0, -np.inf, -np.inf], [0, 0, 1, 2, 3, 4]) == [0, 2, 1, 3, 4, 5]


def test_page_without_any_finite_score_keeps_its_order() -> None:
    assert order([-np.inf] * 3, [0, 1, 2]) == [0, 1, 2]


def test_nothing_stays_nothing() -> None:
    assert order([], []) == []


SCORES = st.lists(
    st.tuples(st.floats(-5, 5, allow_subnormal=False), st.integers(0, 3)), max_size=25
)


def capped(pairs: list[tuple[float, int]], *, cap: int = 2, decay: float = 0.6) -> Candidates:
    """Return the page of candidates with these scores and creators; row i is the i-th pair."""
    scores = np.array([score for score, _ in pairs])
    catalog = make_catalog(len(pairs), creator=[creator for _, creator in pairs])
    candidates = Candidates(np.arange(len(pairs)), {"score": scores, "id": np.arange(len(pairs))})
    return by_score(cap, decay)(make_request(catalog), candidates)


class TestCreators:
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


def page(n: int, diversity: Diversity, *, served: list[int] | None = None, **columns: Any) -> list:
    """Return the rows of n contents of as many creators, better ones first, as they are shown."""
    catalog = make_catalog(n, **{"creator": np.arange(n), **columns})
    request = make_request(catalog, served=np.array(served or [], np.int64))
    candidates = Candidates(np.arange(n), {"score": np.linspace(1, 0, n)})
    return Diversify(lambda request: diversity)(request, candidates).rows.tolist()


class TestCaps:
    def test_page_has_no_more_of_a_sound_than_its_cap(self) -> None:
        sounds = np.array([0, 0, 0, 1, -1, -1])

        rows = page(6, Diversity(6, 1.0, sound_cap=2), sound=sounds, n_sounds=2)

        assert rows == [0, 1, 3, 4, 5, 2]

    def test_page_has_no_more_of_any_tag_than_its_cap(self) -> None:
        tags = np.full((5, MAX_TAGS), -1)
        tags[:, 0] = [7, 3, 3, 2, 1]
        tags[:, 1] = [3, -1, -1, -1, -1]

        assert page(5, Diversity(5, 1.0, tag_cap=2), tags=tags, n_tags=9) == [0, 1, 3, 4, 2]


@pytest.mark.parametrize("theta", [0.0, 0.5, 1.0])
def test_without_models_nothing_is_known_of_likeness_and_scores_decide(theta: float) -> None:
    assert page(6, Diversity(6, theta), served=[4]) == [0, 1, 2, 3, 4, 5]
