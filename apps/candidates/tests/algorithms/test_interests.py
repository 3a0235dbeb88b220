"""Interests: planted ones are found, and asking for each finds more than asking for the mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from apps.candidates.algorithms.blocks import unit_rows
from apps.candidates.algorithms.interests import InterestParams, centers, divide

PARAMS = InterestParams()
Vectors = NDArray[np.float32]


def around(directions: Vectors, of: NDArray[np.int64], rng: np.random.Generator) -> Vectors:
    """Return unit vectors about a cosine of .8 from the directions that `of` names."""
    noise = unit_rows(rng.normal(size=(len(of), directions.shape[1])).astype(np.float32))
    return unit_rows(directions[of] + np.float32(0.75) * noise)


def planted(n: int, interests: int, seed: int = 0) -> tuple[Vectors, NDArray[np.int64], Vectors]:
    """Return vectors, the interest of each, and the directions: orthogonal."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(32, interests)))[0].T.astype(np.float32)
    of = np.arange(n) % interests
    return around(directions, of, rng), of, directions


class TestDivide:
    @pytest.mark.parametrize("seed", range(5))
    def test_finds_what_wards_tree_finds(self, seed: int) -> None:
        vectors, _, _ = planted(60, 3, seed)
        mine = divide(vectors, np.ones(60, np.float32), PARAMS).member
        ward = fcluster(linkage(vectors, "ward"), 3, "maxclust")
        pairs_mine = np.equal.outer(mine, mine)
        pairs_ward = np.equal.outer(ward, ward)
        assert (pairs_mine == pairs_ward).mean() > 0.97

    def test_more_important_ones_come_first(self) -> None:
        vectors, of, _ = planted(30, 2)
        weights = np.where(of == 1, 3.0, 1.0).astype(np.float32)
        found = divide(vectors, weights, PARAMS)
        assert of[found.medoid].tolist() == [1, 0]
        assert found.importance.tolist() == pytest.approx([0.75, 0.25])

    def test_medoid_is_in_the_middle_of_its_own(self) -> None:
        vectors, of, directions = planted(30, 2)
        found = divide(vectors, np.ones(30, np.float32), PARAMS)
        for medoid in found.medoid:
            mine = vectors[of == of[medoid]] @ directions[of[medoid]]
            assert vectors[medoid] @ directions[of[medoid]] > np.median(mine)

    def test_content_without_a_vector_belongs_to_none(self) -> None:
        vectors, _, _ = planted(6, 1)
        vectors[2] = 0
        assert divide(vectors, np.ones(6, np.float32), PARAMS).member.tolist() == [
            0,
            0,
            -1,
            0,
            0,
            0,
        ]

    def test_nothing_known_is_no_interest(self) -> None:
        found = divide(np.zeros((3, 4), np.float32), np.ones(3, np.float32), PARAMS)
        assert (len(found.medoid), found.member.tolist()) == (0, [-1, -1, -1])
        assert len(divide(np.zeros((0, 4), np.float32), np.ones(0, np.float32), PARAMS).medoid) == 0

    @given(seed=st.integers(0, 999), n=st.integers(1, 30), most=st.integers(1, 5))
    def test_each_event_is_in_one_interest_at_most(self, seed: int, n: int, most: int) -> None:
        rng = np.random.default_rng(seed)
        vectors = unit_rows(rng.normal(size=(n, 4)).astype(np.float32))
        weights = rng.random(n).astype(np.float32) + np.float32(0.1)
        found = divide(vectors, weights, InterestParams(most=most))
        assert 1 <= len(found.medoid) <= most
        assert found.member.min() >= -1
        assert found.member.max() == len(found.medoid) - 1
        assert found.member[found.medoid].tolist() == list(range(len(found.medoid)))
        assert (np.diff(found.importance) <= 0).all()
        assert found.importance.sum() <= 1 + 1e-5


def test_two_interests_are_asked_one_by_one() -> None:
    """Who likes two things is near neither in the mean: recall@50 grows by far more than a third."""
    rng = np.random.default_rng(4)
    topics = unit_rows(rng.normal(size=(40, 32)).astype(np.float32))
    # Contents of a mixed topic lie between two: that is where the mean of two tastes points.
    mixed = unit_rows(np.stack([topics[a] + topics[b] for a in range(20) for b in range(a)]))
    of_topic = np.repeat(np.arange(40), 25)
    contents = np.concatenate([around(topics, of_topic, rng), np.repeat(mixed, 3, axis=0)])
    one_mean, one_each = [], []
    for viewer in range(40):
        likes = np.random.default_rng(viewer).choice(20, 2, replace=False)
        own = np.flatnonzero(np.isin(of_topic, likes))
        history = np.random.default_rng(viewer).choice(own, 20, replace=False)
        relevant = np.setdiff1d(own, history)
        vectors, weights = contents[history], np.ones(20, np.float32)
        found = centers(vectors, weights, divide(vectors, weights, PARAMS))
        for scores, recalls in (
            (contents @ vectors.mean(axis=0), one_mean),
            ((contents @ found.T).max(axis=1), one_each),
        ):
            scores[history] = -np.inf
            top = np.argsort(-scores)[:50]
            recalls.append(len(np.intersect1d(top, relevant)) / len(relevant))
    assert np.mean(one_each) >= 1.3 * np.mean(one_mean)
    assert np.mean(one_each) > 0.7
