"""Retrieval models: fitted, written, read back into another order, refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from apps.candidates.algorithms.neighbors import Neighbors, score
from apps.candidates.conf import Signal
from apps.candidates.index import graphs, shells
from apps.candidates.services import (
    fit_retrieval,
    interactions,
    load_retrieval,
    save_retrieval,
    store,
)
from apps.candidates.sources.taste import ItemItem, NearestContent, NextItem
from apps.candidates.tests.factories import (
    NOW_MS,
    SMALL,
    make_catalog,
    make_log,
    make_models,
    make_request,
    two_communities,
    watched,
)
from apps.candidates.types import Request, RetrievalModels
from apps.content.types import Catalog
from apps.core.artifacts import ArtifactError
from apps.core.pipeline import Source
from apps.events.types import EventLog, EventType

N = 40
CATALOG = make_catalog(N)
SOURCES = [
    NextItem("next_item"),
    ItemItem(),
    NearestContent(),
]


@pytest.fixture(scope="module")
def models() -> RetrievalModels:
    return fit_retrieval(two_communities(), CATALOG, SMALL)


@pytest.fixture
def folder(models: RetrievalModels, tmp_path: Path) -> Path:
    save_retrieval(models, CATALOG, tmp_path)
    return tmp_path


def pks_of_top(source: Source[Request], catalog: Catalog, models: RetrievalModels) -> list[int]:
    """Return database keys that the source proposes to who watched keys 1003, 1007 and 1005."""
    rows = catalog.rows_of(np.array([1003, 1007, 1005]))
    scores = source(make_request(catalog, watched(*rows.tolist()), models=models))
    assert scores is not None
    excluded = np.zeros(len(catalog), np.bool_)
    excluded[rows] = True
    return catalog.content_pk[scores.top(10, excluded)].tolist()


class TestInteractions:
    def pairs(self, *events: tuple) -> list[tuple[int, int, float]]:
        found = interactions(make_log(events), CATALOG, Signal())
        return [
            (viewer, row, round(weight, 3))
            for viewer, row, weight in zip(*(a.tolist() for a in found), strict=True)
        ]

    def test_long_views_count_more_than_short_ones(self) -> None:
        view = EventType.VIEW
        found = self.pairs((7, 1, NOW_MS - 2), (7, 2, NOW_MS - 1, view, 1.0))
        assert found == [(0, 1, 1.0), (0, 2, 0.4)]

    def test_what_follows_a_view_adds_to_it_up_to_the_most(self) -> None:
        like, share = EventType.LIKE, EventType.SHARE
        events = [(7, 1, NOW_MS - 3), (7, 1, NOW_MS - 2, like), (8, 1, NOW_MS - 2)]
        assert self.pairs(*events) == [(0, 1, 2.0), (1, 1, 1.0)]
        # 1 + 1 + 1.5 is more than 3
        assert self.pairs(*events, (7, 1, NOW_MS - 1, share)) == [(0, 1, 3.0), (1, 1, 1.0)]

    def test_hidden_content_counts_nothing(self) -> None:
        assert self.pairs((7, 1, NOW_MS - 2), (7, 1, NOW_MS - 1, EventType.HIDE)) == [(0, 1, 0.0)]

    def test_events_without_a_content_or_viewer_are_passed_over(self) -> None:
        assert self.pairs((7, -1, NOW_MS - 2), (-1, 1, NOW_MS - 1)) == []

    def test_pairs_stand_in_the_order_of_their_first_event(self) -> None:
        found = self.pairs((7, 5, NOW_MS - 3), (7, 2, NOW_MS - 2), (7, 5, NOW_MS - 1))
        assert [row for _, row, _ in found] == [5, 2]


class TestFitRetrieval:
    @pytest.mark.parametrize("kind", ["next_item", "item_item"])
    def test_neighbors_stay_in_their_community(self, models: RetrievalModels, kind: str) -> None:
        neighbors: Neighbors = getattr(models, kind)
        indices, _ = neighbors.of(np.arange(N))
        is_neighbor = indices >= 0
        assert (is_neighbor.sum(axis=1) >= 5).all()
        crosses = (indices >= N // 2) != (np.arange(N) >= N // 2)[:, None]
        assert not (crosses & is_neighbor).any()

    def test_vectors_lie_nearer_within_a_community(self, models: RetrievalModels) -> None:
        products = models.vectors @ models.vectors.T
        is_within = np.equal.outer(np.arange(N) >= N // 2, np.arange(N) >= N // 2)
        assert products[is_within].mean() > 5 * abs(products[~is_within].mean())

    def test_same_log_gives_the_same_models(self, models: RetrievalModels) -> None:
        again = fit_retrieval(two_communities(), CATALOG, SMALL)
        np.testing.assert_array_equal(again.vectors, models.vectors)
        np.testing.assert_array_equal(again.next_item.weights, models.next_item.weights)

    def test_empty_log_gives_models_without_an_opinion(self) -> None:
        models = fit_retrieval(EventLog.empty(), CATALOG, SMALL)
        assert not models.vectors.any()
        query = np.ones(1, np.float32)
        assert not score(models.next_item, np.array([0]), query, N).any()
        assert not score(models.item_item, np.array([0]), query, N).any()

    def test_models_without_an_opinion_can_be_saved(self, tmp_path: Path) -> None:
        models = fit_retrieval(EventLog.empty(), CATALOG, SMALL)
        save_retrieval(models, CATALOG, tmp_path)
        assert len(load_retrieval(tmp_path, CATALOG).vectors) == N


class TestSaveAndLoad:
    def test_what_is_read_is_what_was_written(self, models: RetrievalModels, folder: Path) -> None:
        again = load_retrieval(folder, CATALOG)
        assert again.params == models.params
        np.testing.assert_array_equal(again.vectors, models.vectors)
        np.testing.assert_array_equal(again.gram, models.gram)
        for kind in ("next_item", "item_item"):
            one, two = getattr(models, kind), getattr(again, kind)
            for mine, read in zip(one.of(np.arange(N)), two.of(np.arange(N)), strict=True):
                np.testing.assert_array_equal(mine, read)

    def test_without_a_catalogue_it_is_read_as_it_is(
        self, models: RetrievalModels, folder: Path
    ) -> None:
        np.testing.assert_array_equal(load_retrieval(folder, None).vectors, models.vectors)

    @pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.name)
    def test_another_order_of_rows_points_at_the_same_contents(
        self, source: Source[Request], models: RetrievalModels, folder: Path
    ) -> None:
        order = np.random.default_rng(3).permutation(N)
        shuffled = make_catalog(N, content_pk=CATALOG.content_pk[order])
        expected = pks_of_top(source, CATALOG, models)
        assert pks_of_top(source, shuffled, load_retrieval(folder, shuffled)) == expected

    @pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.name)
    def test_contents_that_are_gone_are_left_out(
        self, source: Source[Request], models: RetrievalModels, folder: Path
    ) -> None:
        expected = pks_of_top(source, CATALOG, models)
        gone = expected[0]
        smaller = make_catalog(N - 1, content_pk=CATALOG.content_pk[CATALOG.content_pk != gone])
        assert gone not in pks_of_top(source, smaller, load_retrieval(folder, smaller))

    @pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.name)
    def test_newer_contents_do_not_move_the_others(
        self, source: Source[Request], models: RetrievalModels, folder: Path
    ) -> None:
        larger = make_catalog(N + 3)
        expected = pks_of_top(source, CATALOG, models)
        assert pks_of_top(source, larger, load_retrieval(folder, larger)) == expected

    def test_vectors_that_are_not_finite_are_refused(
        self, models: RetrievalModels, folder: Path
    ) -> None:
        vectors = models.vectors.copy()
        vectors[3, 0] = np.nan
        np.save(folder / "vectors.npy", vectors)
        with pytest.raises(ArtifactError, match="damaged"):
            load_retrieval(folder, CATALOG)


class TestRecallOfTheIndex:
    def many_models(self) -> RetrievalModels:
        rng = np.random.default_rng(4)
        n = 2000
        indices = rng.integers(0, n, (n, 5)).astype(np.int32)
        item_item = Neighbors(indices, np.ones((n, 5), np.float32))
        vectors = rng.normal(size=(n, 16)).astype(np.float32)
        return make_models(n, vectors=vectors, item_item=item_item)

    def test_index_that_finds_enough_is_written_with_its_recall(self, tmp_path: Path) -> None:
        facts = save_retrieval(self.many_models(), make_catalog(2000), tmp_path)
        assert facts["index_recall"] >= store.MIN_RECALL
        assert load_retrieval(tmp_path, None).vectors.shape == (2000, 16)

    def test_index_that_finds_too_little_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(graphs, "N_TREES", 1)
        monkeypatch.setattr(shells, "EXACT_UP_TO", 0)
        monkeypatch.setattr(shells, "LEAST_HEAD", 10)
        monkeypatch.setattr(store, "EFFORTS", (1,))
        with pytest.raises(ArtifactError, match="recall"):
            save_retrieval(self.many_models(), make_catalog(2000), tmp_path)
