"""The vector index: exact and by trees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.candidates import index
from apps.candidates.index import (
    VectorIndex,
    best_rows,
    build_trees,
    load_trees,
    measured_recall,
)

N, FACTORS = 1500, 12


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    lengths = rng.lognormal(0, 0.5, (N, 1))  # inner products must not be taken for angles
    return (rng.normal(size=(N, FACTORS)) * lengths).astype(np.float32)


@pytest.fixture(scope="module")
def queries() -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=(20, FACTORS)).astype(np.float32)


@pytest.fixture(scope="module")
def path(vectors: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("index") / "content.ann"
    build_trees(vectors, path, seed=1)
    return path


@pytest.fixture(params=["exact", "trees"])
def searched(
    request: pytest.FixtureRequest,
    vectors: NDArray[np.float32],
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> VectorIndex:
    if request.param == "trees":
        monkeypatch.setattr(index, "EXACT_UP_TO", 10)
    return VectorIndex(vectors, load_trees(path, FACTORS))


def nothing() -> NDArray[np.bool_]:
    return np.zeros(N, np.bool_)


def brute_force(vectors: NDArray, query: NDArray, k: int) -> list[int]:
    return np.argsort(-(vectors @ query), kind="stable")[:k].tolist()


def test_exact_search_is_brute_force(vectors: NDArray, queries: NDArray) -> None:
    found = VectorIndex(vectors).search(queries[0], 50, nothing())
    assert found.tolist() == brute_force(vectors, queries[0], 50)


def test_trees_find_what_brute_force_finds(
    vectors: NDArray, queries: NDArray, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "EXACT_UP_TO", 10)
    by_trees = VectorIndex(vectors, load_trees(path, FACTORS))
    shares = [
        np.isin(brute_force(vectors, q, 100), by_trees.search(q, 100, nothing())).mean()
        for q in queries
    ]
    assert np.mean(shares) > 0.95


def test_trees_are_not_asked_where_a_product_is_cheaper(
    vectors: NDArray, queries: NDArray, tmp_path: Path
) -> None:
    build_trees(vectors[:5] * 0, tmp_path / "wrong.ann", seed=1)
    found = VectorIndex(vectors, load_trees(tmp_path / "wrong.ann", FACTORS))
    assert len(found.search(queries[0], 20, nothing())) == 20


def test_excluded_rows_are_never_returned_and_others_take_their_place(
    searched: VectorIndex, vectors: NDArray, queries: NDArray
) -> None:
    excluded = nothing()
    excluded[brute_force(vectors, queries[0], 300)] = True
    found = searched.search(queries[0], 50, excluded)
    assert len(found) == 50
    assert not excluded[found].any()


def test_rows_come_best_first(searched: VectorIndex, vectors: NDArray, queries: NDArray) -> None:
    scores = vectors[searched.search(queries[3], 80, nothing())] @ queries[3]
    assert (np.diff(scores) <= 1e-5).all()


def test_asking_for_more_than_there_is_gives_all_that_is_allowed(
    searched: VectorIndex, queries: NDArray
) -> None:
    excluded = nothing()
    excluded[::3] = True
    found = searched.search(queries[0], 10 * N, excluded)
    assert sorted(found.tolist()) == np.flatnonzero(~excluded).tolist()


def test_contents_that_are_newer_than_the_index_are_no_obstacle(
    searched: VectorIndex, queries: NDArray
) -> None:
    longer = np.ones(N + 7, np.bool_)
    longer[5] = False
    assert searched.search(queries[0], 3, longer).tolist() == [5]


def test_recall_is_one_when_every_node_is_inspected(
    vectors: NDArray, queries: NDArray, path: Path
) -> None:
    trees = load_trees(path, FACTORS)
    assert measured_recall(trees, vectors, queries, search_factor=1000) == 1.0


def test_recall_is_low_when_few_nodes_are_inspected(
    vectors: NDArray, queries: NDArray, path: Path
) -> None:
    trees = load_trees(path, FACTORS)
    assert measured_recall(trees, vectors, queries, search_factor=1) < 0.9


def test_recall_without_queries_is_one(vectors: NDArray, path: Path) -> None:
    none = np.empty((0, FACTORS), np.float32)
    assert measured_recall(load_trees(path, FACTORS), vectors, none, search_factor=1) == 1.0


class TestBestRows:
    def test_best_come_first(self) -> None:
        assert best_rows(np.array([0.2, 0.9, -1.0, 0.5]), 3).tolist() == [1, 3, 0]

    def test_infinite_and_missing_scores_are_left_out(self) -> None:
        scores = np.array([-np.inf, 1.0, np.nan, 0.0])
        assert best_rows(scores, 4).tolist() == [1, 3]

    def test_nothing_gives_nothing(self) -> None:
        assert best_rows(np.empty(0), 5).tolist() == []

    def test_equal_scores_beyond_k_still_give_k(self) -> None:
        assert len(best_rows(np.zeros(10), 4)) == 4
