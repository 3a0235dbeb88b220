"""The rows of the largest cosine among vectors of one length: exact among few, else a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.candidates.index.exact import ExactIndex, VectorIndex, best_rows
from apps.candidates.index.graphs import Graph, build_graph, open_graph
from apps.candidates.index.shells import mapped
from apps.core.candidates import Rows

EXACT_UP_TO = 20_000  # vectors; there one product costs about what a graph does
# Vectors looked at per wanted one: the least that finds `_ENOUGH` of the exact nearest is taken, or
# the most.
_EFFORTS = (10, 30, 100, 300, 1000)
_ENOUGH, _JUDGED_AT, _QUERIES = 0.95, 50, 50
_GRAPH, _ROWS, _EFFORT = "{}.graph", "{}_rows.npy", "{}_effort.npy"


class AngleIndex:
    """A graph over all vectors that are not zero.

    rows: int64[m], the row of each position of the graph, −1 for one that is gone.
    """

    def __init__(self, vectors: NDArray, rows: Rows, graph: Graph, *, effort: int) -> None:
        self._vectors = vectors
        self._rows = rows
        self._graph = graph
        self._effort = effort
        self._exact = ExactIndex(vectors)

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        excluded = excluded[: len(self._vectors)]
        if len(excluded) - np.count_nonzero(excluded) <= max(EXACT_UP_TO, 4 * k):
            return self._exact.search(query, k, excluded)
        wanted = min(k, len(self._rows))
        while True:
            rows = self._rows[self._graph.nearest(query, wanted, self._effort)]
            rows = rows[(rows >= 0) & (rows < len(excluded))]
            rows = rows[~excluded[rows]]
            if len(rows) >= k or wanted == len(self._rows):
                scores = self._vectors[rows].astype(np.float32) @ query
                return np.asarray(rows[np.argsort(-scores, kind="stable")][:k])
            wanted = min(2 * wanted + k - len(rows), len(self._rows))


def build_angles(vectors: NDArray, folder: Path, name: str, *, library: str) -> None:
    """Write a graph of `vectors` float[n, f] into the folder, where there are enough for one."""
    rows = np.flatnonzero(vectors.any(axis=1))
    if library == "exact" or len(rows) <= EXACT_UP_TO:
        return
    np.save(folder / _ROWS.format(name), rows.astype(np.int32))
    build_graph(vectors[rows], folder / _GRAPH.format(name), library=library, seed=1)
    np.save(folder / _EFFORT.format(name), _least_effort(folder, name, vectors, rows))


def _least_effort(folder: Path, name: str, vectors: NDArray, rows: Rows) -> int:
    """Return the effort with which vectors like these find their own neighbors."""
    graph = open_graph(folder / _GRAPH.format(name), vectors.shape[1])
    chosen = np.random.default_rng(0).choice(rows, min(len(rows), _QUERIES), replace=False)
    queries = vectors[chosen].astype(np.float32)
    exact = [rows[best_rows((vectors @ query)[rows], _JUDGED_AT)] for query in queries]
    for effort in _EFFORTS:
        near = [rows[graph.nearest(query, _JUDGED_AT, effort)] for query in queries]
        found = [len(np.intersect1d(*both)) for both in zip(exact, near, strict=True)]
        if sum(found) >= _ENOUGH * sum(map(len, exact)):
            break
    return effort


def open_angles(folder: Path, name: str, vectors: NDArray, rows: Rows) -> VectorIndex:
    """Open what `build_angles` wrote, an exact index where it wrote nothing.

    vectors: float[n, f] as they lie now; rows: int64[m], where each vector of the build is now.
    """
    path = folder / _GRAPH.format(name)
    if not path.exists():
        return ExactIndex(vectors.astype(np.float32, copy=False))
    order = rows[mapped(folder / _ROWS.format(name))]
    effort = int(np.load(folder / _EFFORT.format(name)))
    return AngleIndex(vectors, order, open_graph(path, vectors.shape[1]), effort=effort)
