"""The rows of the largest cosine among vectors of one length: exact among few, else a graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.candidates.index.exact import ExactIndex, VectorIndex
from apps.candidates.index.graphs import Graph, build_graph, open_graph
from apps.candidates.index.shells import mapped
from apps.core.candidates import Rows

EXACT_UP_TO = 20_000  # vectors; there one product costs about what a graph does
_EFFORT = 30  # vectors looked at per wanted one
_GRAPH, _ROWS = "{}.graph", "{}_rows.npy"


class AngleIndex:
    """A graph over all vectors that are not zero.

    rows: int64[m], the row of each position of the graph, −1 for one that is gone.
    """

    def __init__(self, vectors: NDArray, rows: Rows, graph: Graph) -> None:
        self._vectors = vectors
        self._rows = rows
        self._graph = graph
        self._exact = ExactIndex(vectors)

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        excluded = excluded[: len(self._vectors)]
        if len(excluded) - np.count_nonzero(excluded) <= max(EXACT_UP_TO, 4 * k):
            return self._exact.search(query, k, excluded)
        wanted = min(k, len(self._rows))
        while True:
            rows = self._rows[self._graph.nearest(query, wanted, _EFFORT)]
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


def open_angles(folder: Path, name: str, vectors: NDArray, rows: Rows) -> VectorIndex:
    """Open what `build_angles` wrote, an exact index where it wrote nothing.

    vectors: float[n, f] as they lie now; rows: int64[m], where each vector of the build is now.
    """
    path = folder / _GRAPH.format(name)
    if not path.exists():
        return ExactIndex(vectors.astype(np.float32, copy=False))
    order = rows[mapped(folder / _ROWS.format(name))]
    return AngleIndex(vectors, order, open_graph(path, vectors.shape[1]))
