"""Neighbors of a viewer, and the mixture with what contents are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.index import angles
from apps.candidates.scores import InterestScores, SparseScores, VectorSpace
from apps.candidates.services import fit_neighborhood, fit_retrieval
from apps.candidates.sources.interests import LikeContent
from apps.candidates.sources.neighbors import Hybrid, SimilarViewers, mixture
from apps.candidates.tests.factories import (
    NOW_MS,
    SMALL,
    made_of,
    make_background,
    make_catalog,
    make_log,
    make_models,
    make_request,
    two_communities,
    watched,
)
from apps.candidates.types import RetrievalModels
from apps.candidates.viewers import Viewers
from apps.core.clock import HOUR_MS
from apps.events.types import EventLog, EventType

CATALOG = make_catalog(40)


@pytest.fixture(scope="module")
def models() -> RetrievalModels:
    return fit_retrieval(two_communities(), CATALOG, SMALL)


def top(models: RetrievalModels, history: EventLog, k: int, viewer: int = 1000) -> list[int]:
    request = make_request(CATALOG, history, models=models, viewer=viewer)
    scores = SimilarViewers()(request)
    assert scores is not None
    return scores.top(k, request.excluded()).tolist()


class TestSimilarViewers:
    def test_what_the_neighbors_met_is_proposed(self, models: RetrievalModels) -> None:
        assert max(top(models, watched(0, 1, 2), 10)) < 20
        assert min(top(models, watched(20, 21, 22), 10)) >= 20

    def test_new_event_moves_the_neighbors_at_once(self, models: RetrievalModels) -> None:
        moved = top(models, watched(0, 21, 22, 23, 24, 25), 10)
        assert min(moved) >= 20

    def test_who_asks_is_not_their_own_neighbor(self, models: RetrievalModels) -> None:
        assert models.viewers is not None
        vector = models.viewers.vectors[4].astype(np.float32)
        with_me, _ = models.viewers.nearest(vector, 5, without=0)
        without_me, _ = models.viewers.nearest(vector, 5, without=int(models.viewers.pk[4]))
        assert 4 in with_me
        assert 4 not in without_me
        assert len(without_me) == 5

    def test_what_neighbors_hid_comes_last(self) -> None:
        log = EventLog.concat(
            [
                two_communities(),
                make_log([(v, 7, NOW_MS - 9, EventType.HIDE) for v in range(2, 60, 2)]),
            ]
        )
        found = top(fit_retrieval(log, CATALOG, SMALL), watched(0, 1, 2), 40)
        assert 7 not in found[:15]

    @pytest.mark.parametrize("history", [EventLog.empty(), watched(39 + 1)])
    def test_stranger_gets_nothing(self, models: RetrievalModels, history: EventLog) -> None:
        request = make_request(make_catalog(45), history, models=models)
        assert SimilarViewers()(request) is None

    def test_log_of_nothing_has_no_neighbors(self) -> None:
        models = fit_retrieval(EventLog.empty(), CATALOG, SMALL)
        assert SimilarViewers()(make_request(CATALOG, watched(1), models=models)) is None


class TestViewers:
    def fitted(self, log: EventLog, **params: int) -> Viewers:
        changed = replace(SMALL, viewers=replace(SMALL.viewers, **params))
        vectors = np.eye(40, 8, dtype=np.float32)
        return fit_neighborhood(log, CATALOG, changed, vectors)

    def log(self) -> EventLog:
        """Viewer v met rows v, v + 1, v + 2; viewers 1…5, later ones later."""
        return make_log(
            [(v, v + i, NOW_MS - (10 - v) * HOUR_MS + i) for v in range(1, 6) for i in range(3)]
        )

    def test_latest_viewers_are_kept(self) -> None:
        assert self.fitted(self.log(), most_viewers=2).pk.tolist() == [4, 5]

    def test_latest_contents_are_kept_oldest_first(self) -> None:
        viewers = self.fitted(self.log(), most_contents=2)
        owner, content, rating = viewers.met(np.array([4, 0]))
        assert owner.tolist() == [0, 0, 1, 1]
        assert content.tolist() == [6, 7, 2, 3]
        assert rating.tolist() == [1, 1, 1, 1]

    def test_ratings_are_for_and_against(self) -> None:
        log = EventLog.concat([self.log(), make_log([(5, 6, NOW_MS, EventType.HIDE)])])
        _, content, rating = self.fitted(log).met(np.array([4]))
        assert dict(zip(content.tolist(), rating.tolist(), strict=True)) == {5: 1, 6: -2, 7: 1}

    def test_graph_finds_about_the_same_neighbors(
        self, tmp_path: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(angles, "EXACT_UP_TO", 100)
        rng = np.random.default_rng(0)
        vectors = rng.normal(size=(3000, 16)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[5] = 0
        excluded = rng.random(3000) < 0.2
        angles.build_angles(vectors, tmp_path, "v", library="annoy")  # type: ignore[arg-type]
        index = angles.open_angles(tmp_path, "v", vectors, np.arange(3000))  # type: ignore[arg-type]
        assert isinstance(index, angles.AngleIndex)
        exact = angles.ExactIndex(vectors)
        found = 0
        for query in rng.normal(size=(20, 16)).astype(np.float32):
            mine = index.search(query, 50, excluded)
            assert not excluded[mine].any()
            assert (np.diff(vectors[mine] @ query) <= 1e-6).all()
            found += len(np.intersect1d(mine, exact.search(query, 50, excluded)))
        assert found / 1000 > 0.9


class TestMixture:
    def parents(self) -> tuple[InterestScores, SparseScores]:
        rng = np.random.default_rng(3)
        vectors = rng.normal(size=(60, 6)).astype(np.float32)
        vectors[50:] = 0
        space = VectorSpace(vectors, make_models(60, vectors=vectors).index)
        rows = np.arange(10, 60)
        crowd = SparseScores(rows, rng.exponential(size=50).astype(np.float32))
        return InterestScores(space, rng.normal(size=(2, 6)).astype(np.float32)), crowd

    def test_alpha_one_is_the_order_of_the_contents(self) -> None:
        content, crowd = self.parents()
        nothing = np.zeros(60, np.bool_)
        mixed = mixture(1.0, content, crowd).top(20, nothing)
        assert mixed.tolist() == content.top(20, nothing).tolist()

    def test_alpha_zero_is_the_order_of_the_crowd(self) -> None:
        content, crowd = self.parents()
        nothing = np.zeros(60, np.bool_)
        mixed = mixture(0.0, content, crowd).top(20, nothing)
        assert mixed.tolist() == crowd.top(20, nothing).tolist()

    def test_scales_of_the_parents_do_not_matter(self) -> None:
        content, crowd = self.parents()
        larger = SparseScores(crowd._rows, 1000 * crowd._scores + 7)
        nothing = np.zeros(60, np.bool_)
        one = mixture(0.4, content, crowd).top(30, nothing)
        assert mixture(0.4, content, larger).top(30, nothing).tolist() == one.tolist()


def styles() -> tuple[EventLog, np.ndarray, np.ndarray, np.ndarray]:
    """Return a log, each content's topic, its style, and which nobody could have met.

    Words tell the topic, only viewers tell the style; three in ten contents are new.
    """
    rng = np.random.default_rng(0)
    topic, style = np.arange(800) % 4, np.arange(800) // 4 % 2
    is_cold = rng.random(800) < 0.3
    events = []
    for viewer in range(1, 401):
        mine = np.flatnonzero((topic == viewer % 4) & (style == viewer // 4 % 2) & ~is_cold)
        others = np.flatnonzero(~is_cold)
        rows = np.concatenate([rng.choice(mine, 12, replace=False), rng.choice(others, 4)])
        start = NOW_MS - int(rng.integers(2, 200)) * HOUR_MS
        events += [(viewer, int(row), start + 60_000 * i) for i, row in enumerate(rows)]
    return make_log(events), topic, style, is_cold


def test_hybrid_finds_more_than_either_parent_among_old_and_new_contents() -> None:
    log, topic, style, _ = styles()
    catalog = make_catalog(800)
    rng = np.random.default_rng(1)
    described = [made_of(f"topic{t}", f"word{rng.integers(30)}") for t in topic.tolist()]
    models = fit_retrieval(log, catalog, SMALL, make_background(catalog, described))
    found: dict[str, list[float]] = {}
    for viewer in range(1, 61):
        mine = log.take(log.viewer == viewer)
        request = make_request(catalog, mine, models=models, viewer=viewer)
        excluded = request.excluded()
        relevant = np.flatnonzero((topic == viewer % 4) & (style == viewer // 4 % 2) & ~excluded)
        for source in (LikeContent(), SimilarViewers(), Hybrid()):
            scores = source(request)
            assert scores is not None
            rows = scores.top(100, excluded)
            recall = len(np.intersect1d(rows, relevant)) / len(relevant)
            found.setdefault(source.name, []).append(recall)
    content, crowd, hybrid = (np.mean(recalls) for recalls in found.values())
    assert hybrid > 1.05 * max(content, crowd)


def test_the_longer_the_history_the_less_content_counts() -> None:
    described = [made_of("dance" if row < 20 else "goal") for row in range(40)]
    background = make_background(CATALOG, described)
    models = fit_retrieval(two_communities(), CATALOG, SMALL, background)
    alphas = []
    for n in (1, 10):
        mixed = Hybrid()(make_request(CATALOG, watched(*range(n)), models=models))
        assert mixed is not None
        alphas.append(mixed.alpha)
    assert alphas == pytest.approx([10 / 11, 10 / 20])
