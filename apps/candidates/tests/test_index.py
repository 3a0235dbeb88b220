"""The vector index: exact, by a graph, and what both promise."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.candidates.index import (
    ExactIndex,
    ShellIndex,
    VectorIndex,
    best_rows,
    build_shells,
    measured_recall,
    open_shells,
    shells,
)
from apps.candidates.index.shells import Head

N, FACTORS = 1500, 12
GRAPHS = [
    "annoy",
    pytest.param(
        "faiss",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("faiss") is None, reason="faiss is not installed"
        ),
    ),
]


def make_vectors(n: int = N, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    lengths = rng.lognormal(0, 0.5, (n, 1))  # inner products must not be taken for angles
    return (rng.normal(size=(n, FACTORS)) * lengths).astype(np.float32)


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    return make_vectors()


@pytest.fixture(scope="module")
def queries() -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=(20, FACTORS)).astype(np.float32)


@pytest.fixture(params=GRAPHS)
def folder(
    request: pytest.FixtureRequest,
    vectors: NDArray[np.float32],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    monkeypatch.setattr(shells, "EXACT_UP_TO", 0)
    monkeypatch.setattr(shells, "LEAST_HEAD", 50)
    monkeypatch.setattr(shells, "LEAST_SHELL", 100)
    build_shells(vectors, tmp_path, library=request.param, seed=1)
    return tmp_path


def opened(folder: Path, vectors: NDArray[np.float32], *, effort: int = 30) -> ShellIndex:
    return open_shells(folder, vectors, np.arange(len(vectors)), effort=effort)


@pytest.fixture(params=["exact", "shells"])
def searched(
    request: pytest.FixtureRequest, vectors: NDArray[np.float32], folder: Path
) -> VectorIndex:
    return ExactIndex(vectors) if request.param == "exact" else opened(folder, vectors)


def nothing(n: int = N) -> NDArray[np.bool_]:
    return np.zeros(n, np.bool_)


def brute_force(vectors: NDArray, query: NDArray, k: int) -> list[int]:
    return np.argsort(-(vectors @ query), kind="stable")[:k].tolist()


def test_exact_search_is_brute_force(vectors: NDArray, queries: NDArray) -> None:
    found = ExactIndex(vectors).search(queries[0], 50, nothing())
    assert found.tolist() == brute_force(vectors, queries[0], 50)


def test_exact_search_of_few_allowed_rows_is_brute_force_over_them(
    vectors: NDArray, queries: NDArray
) -> None:
    excluded = ~nothing()
    excluded[::40] = False
    found = ExactIndex(vectors).search(queries[0], 10, excluded)
    assert found.tolist() == [r for r in brute_force(vectors, queries[0], N) if r % 40 == 0][:10]


def test_shells_find_what_brute_force_finds(
    vectors: NDArray, queries: NDArray, folder: Path
) -> None:
    index = opened(folder, vectors)
    shares = [
        np.isin(brute_force(vectors, q, 50), index.search(q, 50, nothing())).mean() for q in queries
    ]
    assert len(list(folder.glob("shell_*.graph"))) > 2
    assert np.mean(shares) > 0.95


def test_vectors_that_nobody_met_are_in_no_shell(tmp_path: Path) -> None:
    vectors = np.zeros((20, FACTORS), np.float32)
    vectors[3] = 1
    build_shells(vectors, tmp_path, library="annoy", seed=1)
    assert np.load(tmp_path / "shells_rows.npy").tolist() == [3]


def test_nothing_to_index_is_searched_all_the_same(tmp_path: Path) -> None:
    vectors = np.empty((0, FACTORS), np.float32)
    build_shells(vectors, tmp_path, library="annoy", seed=1)
    index = opened(tmp_path, vectors)
    assert index.search(np.ones(FACTORS, np.float32), 5, nothing(3)).tolist() == []


def test_shells_are_not_asked_where_a_product_is_cheaper(
    vectors: NDArray, queries: NDArray, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shells, "EXACT_UP_TO", N)
    nobody = np.empty(0, np.int64)
    index = ShellIndex(vectors, Head(nobody, vectors[:0]), [], newer=nobody, effort=1)
    found = index.search(queries[0], 20, nothing())
    assert found.tolist() == brute_force(vectors, queries[0], 20)


def test_other_numbering_of_rows_finds_the_same_contents(
    vectors: NDArray, queries: NDArray, folder: Path
) -> None:
    order = np.random.default_rng(5).permutation(N)
    rows = np.empty(N, np.int64)
    rows[order] = np.arange(N)
    moved = open_shells(folder, vectors[order], rows, effort=30)
    expected = opened(folder, vectors).search(queries[1], 30, nothing())

    found = moved.search(queries[1], 30, nothing())

    assert order[found].tolist() == expected.tolist()


def test_contents_that_are_gone_are_not_found(
    vectors: NDArray, queries: NDArray, folder: Path
) -> None:
    gone = brute_force(vectors, queries[1], 10)
    rows = np.arange(N)
    rows[gone] = -1
    left = vectors.copy()
    left[gone] = 0

    found = open_shells(folder, left, rows, effort=30).search(queries[1], 30, nothing())

    assert not set(gone) & set(found.tolist())


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


def test_contents_that_are_newer_than_the_vectors_are_no_obstacle(
    searched: VectorIndex, queries: NDArray
) -> None:
    longer = np.ones(N + 7, np.bool_)
    longer[5] = False
    assert searched.search(queries[0], 3, longer).tolist() == [5]


def test_older_catalogue_gets_none_of_the_newer_rows(
    searched: VectorIndex, queries: NDArray
) -> None:
    found = searched.search(queries[0], 50, nothing(N - 700))
    assert len(found) == 50
    assert found.max() < N - 700


def test_vectors_newer_than_the_shells_are_found_exactly(
    vectors: NDArray, queries: NDArray, folder: Path
) -> None:
    newer = np.concatenate([vectors, 30 * queries[:1], make_vectors(40, seed=9)])
    index = open_shells(folder, newer, np.arange(len(vectors)), effort=30)

    found = index.search(queries[0], 20, nothing(len(newer)))

    assert found[0] == N
    best_newer = [r for r in brute_force(newer, queries[0], 20) if r >= N]
    assert [r for r in found.tolist() if r >= N] == best_newer


def test_removed_content_is_never_returned_while_shells_are_rebuilt(
    vectors: NDArray, queries: NDArray, folder: Path
) -> None:
    removed = nothing()
    removed[brute_force(vectors, queries[0], 25)] = True
    serving = [opened(folder, vectors)]
    done = threading.Event()

    def rebuild() -> None:
        for seed in range(4):
            (folder / str(seed)).mkdir()
            build_shells(vectors, folder / str(seed), library="annoy", seed=seed)
            serving[0] = opened(folder / str(seed), vectors)
        done.set()

    thread = threading.Thread(target=rebuild)
    thread.start()
    returned = n_searches = 0
    while thread.is_alive():
        found = serving[0].search(queries[n_searches % 2], 10, removed)
        returned += int(removed[found].sum())
        n_searches += 1

    assert done.is_set()
    assert n_searches > 10
    assert returned == 0


def test_recall_grows_with_the_effort(vectors: NDArray, queries: NDArray, folder: Path) -> None:
    little, much = (
        measured_recall(opened(folder, vectors, effort=effort), vectors, queries, k=50)
        for effort in (1, 300)
    )
    assert little <= much
    assert much > 0.99


def test_recall_without_queries_is_one(vectors: NDArray, folder: Path) -> None:
    none = np.empty((0, FACTORS), np.float32)
    assert measured_recall(opened(folder, vectors), vectors, none, k=10) == 1.0


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
