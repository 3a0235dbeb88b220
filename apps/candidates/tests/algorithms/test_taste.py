"""The posterior of a viewer's taste, against the textbook and by what it is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.algorithms.taste import (
    Kinds,
    Taste,
    TasteParams,
    hopeful,
    in_batch,
    likeness,
    prior_variance,
)

PARAMS = TasteParams()


def kinds(*category: int, tags: list[list[int]] | None = None, creator: int = -1) -> Kinds:
    n = len(category)
    return Kinds(
        np.array(category, np.int64),
        np.full(n, creator),
        np.full(n, -1),
        np.array(tags) if tags else np.full((n, 2), -1),
    )


class TestTaste:
    def test_is_what_the_textbook_says(self) -> None:
        rng = np.random.default_rng(3)
        n, m = 7, 5
        every = Kinds(
            rng.integers(-1, 3, n + m),
            rng.integers(0, 4, n + m),
            rng.integers(-1, 2, n + m),
            rng.integers(-1, 5, (n + m, 3)),
        )
        met, asked = every.take(slice(n)), every.take(slice(n, None))
        surprise = rng.normal(size=n)
        found = Taste(met, surprise, PARAMS).of(asked)
        ago = np.arange(n, 0, -1)
        memory = np.exp(-np.abs(ago[:, None] - ago) / PARAMS.memory)
        known = likeness(met, met, PARAMS) * memory + PARAMS.noise**2 * np.eye(n)
        cross = likeness(asked, met, PARAMS) * np.exp(-ago / PARAMS.memory)
        inverse = np.linalg.inv(known)
        np.testing.assert_allclose(found.mean, cross @ inverse @ surprise, rtol=1e-9)
        expected = prior_variance(asked, PARAMS) - np.einsum("ij,jk,ik->i", cross, inverse, cross)
        np.testing.assert_allclose(found.variance, expected, rtol=1e-9)

    def test_nothing_met_leaves_the_prior(self) -> None:
        asked = kinds(0, -1, creator=2)
        found = Taste(kinds(), np.empty(0), PARAMS).of(asked)
        assert found.mean.tolist() == [0, 0]
        np.testing.assert_allclose(
            found.variance, [PARAMS.category**2 + PARAMS.creator**2, PARAMS.creator**2]
        )

    def test_one_view_tells_kinds_apart(self) -> None:
        liked = Taste(kinds(0), np.array([0.7]), PARAMS).of(kinds(0, 1))
        left = Taste(kinds(0), np.array([-0.2]), PARAMS).of(kinds(0, 1))
        assert liked.mean[0] > liked.mean[1] == 0
        assert left.mean[0] < left.mean[1] == 0
        assert liked.variance[0] < liked.variance[1]

    def test_what_is_liked_now_overrules_what_was(self) -> None:
        met = kinds(*[0] * 40, *[0] * 5, *[1] * 5)
        surprise = np.array([0.6] * 40 + [-0.2] * 5 + [0.6] * 5)
        mean = Taste(met, surprise, replace(PARAMS, memory=20.0)).of(kinds(0, 1)).mean
        forgets_nothing = Taste(met, surprise, replace(PARAMS, memory=1e6)).of(kinds(0, 1)).mean
        assert mean[1] > mean[0]
        assert forgets_nothing[0] > mean[0]

    def test_shared_tags_count_by_their_cosine(self) -> None:
        a, b = kinds(-1, tags=[[1, 2]]), kinds(-1, -1, -1, tags=[[2, 1], [2, -1], [3, 4]])
        expected = PARAMS.tags**2 * np.array([[1, 1 / np.sqrt(2), 0]])
        np.testing.assert_allclose(likeness(a, b, PARAMS), expected)

    def test_what_is_not_known_yet_only_lowers_the_variance(self) -> None:
        met = kinds(0, 1, 1)
        without = Taste(met.take(slice(2)), np.array([0.5, 0.1]), PARAMS).of(kinds(0, 1, 2))
        pending = Taste(met, np.array([0.5, 0.1]), PARAMS, pending=1).of(kinds(0, 1, 2))
        np.testing.assert_allclose(pending.mean, without.mean)
        assert pending.variance[1] < without.variance[1]
        assert pending.variance[2] == without.variance[2]


class TestInBatch:
    def test_page_of_a_stranger_asks_about_every_kind(self) -> None:
        asked = kinds(*[0, 1, 2, 3] * 3)
        found = Taste(kinds(), np.empty(0), PARAMS).of(asked)
        offset = np.array([0.05, 0.0, 0.0, 0.0] * 3)  # one kind is a little better: not four times
        score = in_batch(found, offset, asked, PARAMS, gain=np.ones(12), slots=4)
        best = np.argsort(-score, kind="stable")[:4]
        assert sorted(asked.category[best]) == [0, 1, 2, 3]
        alone = hopeful(found.mean, found.variance, offset, PARAMS)
        assert set(asked.category[np.argsort(-alone, kind="stable")[:3]]) == {0}

    def test_what_is_liked_for_certain_fills_the_page(self) -> None:
        asked = kinds(*[0, 1, 2, 3] * 3)
        found = Taste(kinds(*[0] * 8), np.full(8, 0.6), PARAMS).of(asked)
        score = in_batch(found, np.zeros(12), asked, PARAMS, gain=np.ones(12), slots=3)
        assert set(asked.category[np.argsort(-score)[:3]]) == {0}

    def test_gain_counts_and_scores_fall(self) -> None:
        asked = kinds(0, 1)
        found = Taste(kinds(), np.empty(0), PARAMS).of(asked)
        score = in_batch(found, np.zeros(2), asked, PARAMS, gain=np.array([1.0, 3.0]), slots=2)
        assert score[1] == pytest.approx(3 * score[0])

    def test_is_what_learning_each_pick_as_pending_gives(self) -> None:
        rng = np.random.default_rng(5)
        every = Kinds(
            rng.integers(-1, 3, 17),
            rng.integers(0, 4, 17),
            rng.integers(-1, 2, 17),
            rng.integers(-1, 5, (17, 3)),
        )
        asked, surprise = every.take(slice(5, None)), rng.normal(size=5)
        offset, gain = rng.normal(size=12), rng.uniform(0.5, 2, 12)

        def plain(picked: list[int]) -> np.ndarray:
            met = every.take(np.array([0, 1, 2, 3, 4, *(5 + row for row in picked)]))
            found = Taste(met, surprise, PARAMS, pending=len(picked)).of(asked)
            return gain * hopeful(found.mean, found.variance, offset, PARAMS)

        expected, picked = np.full(12, np.nan), list[int]()
        for _ in range(4):
            now = np.where(np.isnan(expected), plain(picked), -np.inf)
            picked.append(int(now.argmax()))
            expected[picked[-1]] = now.max()
        expected = np.where(np.isnan(expected), plain(picked), expected)
        found = Taste(every.take(slice(5)), surprise, PARAMS).of(asked)
        score = in_batch(found, offset, asked, PARAMS, gain=gain, slots=4)
        np.testing.assert_allclose(score, expected, rtol=1e-9)

    def test_no_candidates(self) -> None:
        nothing = kinds()
        found = Taste(nothing, np.empty(0), PARAMS).of(nothing)
        assert not len(in_batch(found, np.empty(0), nothing, PARAMS, gain=np.empty(0), slots=5))
