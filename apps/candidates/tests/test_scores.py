"""Opinions of sources: what they propose, and what they say about any row."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.candidates.index import ExactIndex, best_rows
from apps.candidates.scores import DenseScores, RankedScores, TimelyScores, VectorScores, gather
from apps.core.pipeline import Scores

SCORES = np.array([0.5, 2.0, 1.0, 3.0], np.float32)  # of four contents; the catalogue has six
KINDS = ["dense", "ranked", "vector", "timely"]


@pytest.fixture(params=KINDS)
def opinion(request: pytest.FixtureRequest) -> Scores:
    vectors = np.stack([SCORES, SCORES * 0], axis=1)
    near = VectorScores(vectors, ExactIndex(vectors), np.array([1, 0], np.float32))
    watched_by_none = np.full(6, -np.inf, np.float32)
    made: dict[str, Scores] = {
        "dense": DenseScores(SCORES),
        "ranked": RankedScores(SCORES, best_rows(SCORES, 100)),
        "vector": near,
        "timely": TimelyScores(near, RankedScores(watched_by_none, np.empty(0, np.int64)), 0.5),
    }
    return made[request.param]


def excluding(*rows: int) -> NDArray[np.bool_]:
    excluded = np.zeros(6, np.bool_)
    excluded[list(rows)] = True
    return excluded


def test_top_is_best_first(opinion: Scores) -> None:
    assert opinion.top(3, excluding()).tolist() == [3, 1, 2]


def test_top_leaves_out_what_is_excluded(opinion: Scores) -> None:
    assert opinion.top(3, excluding(3, 2, 5)).tolist() == [1, 0]


def test_top_of_all_excluded_is_empty(opinion: Scores) -> None:
    assert opinion.top(3, np.ones(6, np.bool_)).tolist() == []


def test_scores_are_given_in_the_order_asked(opinion: Scores) -> None:
    found = opinion.at(np.array([2, 0, 3]))
    assert found.tolist() == [1.0, 0.5, 3.0]
    assert found.dtype == np.float32


def test_rows_past_the_end_have_no_score(opinion: Scores) -> None:
    found = opinion.at(np.array([5, 1, 4]))
    np.testing.assert_array_equal(found, np.array([np.nan, 2.0, np.nan], np.float32))


def test_excluded_rows_keep_their_score(opinion: Scores) -> None:
    opinion.top(2, excluding(3))
    assert opinion.at(np.array([3])).tolist() == [3.0]


def test_what_must_never_be_proposed_has_no_score() -> None:
    dense = DenseScores(np.array([1.0, -np.inf, 0.5], np.float32))
    assert dense.top(3, np.zeros(3, np.bool_)).tolist() == [0, 2]
    assert np.isnan(dense.at(np.array([1]))).all()


def test_gather_from_nothing_is_missing() -> None:
    assert np.isnan(gather(np.empty(0, np.float32), np.array([0, 3]))).tolist() == [True, True]
