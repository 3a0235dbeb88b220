"""What is like what a viewer liked: by what it is, θ and its back-off, one query an interest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.algorithms.interests import InterestParams
from apps.candidates.content_vectors import ContentVectors
from apps.candidates.scores import InterestScores, VectorSpace
from apps.candidates.services import fit_content, fit_retrieval
from apps.candidates.sources.interests import EachInterest, LikeContent
from apps.candidates.tests.factories import (
    SMALL,
    made_of,
    make_background,
    make_catalog,
    make_models,
    make_request,
    nothing_excluded,
    two_communities,
    watched,
)
from apps.candidates.types import Request
from apps.content.selectors import Described
from apps.content.types import Catalog

TOPICS = ("dance", "goal", "pasta", "piano")
N = 40


def topical(catalog: Catalog) -> ContentVectors:
    """Return vectors in which row r is about topic r mod 4 and one of two moods; 39 about nothing."""
    described: list[Described | None] = [
        made_of(TOPICS[row % 4], f"mood{row % 8 // 4}") for row in range(len(catalog) - 1)
    ]
    return fit_content(make_background(catalog, [*described, None]), SMALL)


def asked(*rows: int, theta: float = 0.5, least: int = 0) -> Request:
    catalog = make_catalog(N)
    content = replace(SMALL.content, theta=theta, least=least)
    params = replace(SMALL, content=content)
    models = make_models(N, content=topical(catalog), params=params)
    return make_request(catalog, watched(*rows), models=models)


def top(request: Request, k: int) -> list[int]:
    scores = LikeContent()(request)
    assert scores is not None
    return scores.top(k, nothing_excluded(request.catalog)).tolist()


class TestLikeContent:
    def test_contents_of_the_same_topic_come_first(self) -> None:
        # Nine or ten contents are about each topic.
        assert {row % 4 for row in top(asked(0, 4, 8), 10)} == {0}

    def test_each_interest_is_served(self) -> None:
        assert {row % 4 for row in top(asked(0, 1, 4, 5, 8, 9), 20)} == {0, 1}

    def test_what_is_below_theta_is_not_proposed(self) -> None:
        found = top(asked(0, 8, theta=0.9), 40)
        assert found
        assert {row % 8 for row in found} == {0}

    def test_theta_is_lowered_until_enough_pass(self) -> None:
        assert len(top(asked(0, 8, theta=0.9, least=15), 40)) == 15
        assert len(top(asked(0, 8, theta=0.9, least=15), 12)) == 12

    def test_content_of_which_nothing_is_known_has_no_score(self) -> None:
        scores = LikeContent()(asked(0))
        assert scores is not None
        assert np.isnan(scores.at(np.array([39, 100]))).all()
        assert 39 not in top(asked(0, theta=-1, least=40), 40)

    @pytest.mark.parametrize("rows", [(), (39,)])
    def test_nothing_known_is_nothing_said(self, rows: tuple[int, ...]) -> None:
        assert LikeContent()(asked(*rows)) is None


class TestEachInterest:
    def test_both_interests_are_served(self) -> None:
        catalog = make_catalog(N)
        models = fit_retrieval(two_communities(), catalog, SMALL)
        request = make_request(catalog, watched(0, 20, 1, 21, 2, 22), models=models)
        scores = EachInterest()(request)
        assert scores is not None
        found = scores.top(16, request.excluded())
        assert 4 <= np.count_nonzero(found < 20) <= 12

    def test_content_newer_than_the_models_says_nothing(self) -> None:
        models = fit_retrieval(two_communities(), make_catalog(N), SMALL)
        request = make_request(make_catalog(N + 3), watched(N + 1), models=models)
        assert EachInterest()(request) is None


class TestInterestScores:
    def test_many_contents_are_searched_to_the_same_end(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rng = np.random.default_rng(0)
        vectors = rng.normal(size=(500, 8)).astype(np.float32)
        space = VectorSpace(vectors, make_models(500, vectors=vectors).index)
        queries = rng.normal(size=(3, 8)).astype(np.float32)
        excluded = rng.random(500) < 0.3
        dense = InterestScores(space, queries)
        monkeypatch.setattr(InterestScores, "_DENSE_UP_TO", 0)
        searched = InterestScores(space, queries)
        assert dense.top(40, excluded).tolist() == searched.top(40, excluded).tolist()
        rows = np.array([3, 499, 500, 7])
        np.testing.assert_allclose(dense.at(rows), searched.at(rows), rtol=1e-5)

    def test_another_mask_is_searched_anew(self) -> None:
        scores = LikeContent()(asked(0))
        assert scores is not None
        first = scores.top(5, np.zeros(N, np.bool_))
        other = np.zeros(N, np.bool_)
        other[first] = True
        assert not set(scores.top(5, other)) & set(first)

    def test_importance_lets_the_larger_interest_win_more(self) -> None:
        params = replace(SMALL, interests=InterestParams(importance=1.0))
        request = asked(0, 1, 4, 8, 12, 16, theta=-1.0)
        assert request.models is not None
        models = replace(request.models, params=replace(params, content=request.params.content))
        found = top(replace(request, models=models, _shared={}), 8)
        assert {row % 4 for row in found} == {0}
