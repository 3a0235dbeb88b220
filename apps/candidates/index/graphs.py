"""Files of neighbors by angle: built once, memory-mapped by every process, never changed."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from apps.core.candidates import Rows

N_TREES = 30
_HNSW_LINKS = 32


class Graph(Protocol):
    """Neighbors among m vectors."""

    def nearest(self, query: NDArray[np.float32], k: int, effort: int) -> Rows:
        """Return positions of about k vectors of the smallest angle with the query.

        More effort, in vectors looked at per wanted one, finds more of the true ones.
        """
        ...


class AnnoyGraph:
    """Random projection trees."""

    def __init__(self, trees: AnnoyIndex) -> None:
        self._trees = trees

    def nearest(self, query: NDArray[np.float32], k: int, effort: int) -> Rows:
        """Return k positions."""
        return np.array(
            self._trees.get_nns_by_vector(query.tolist(), k, search_k=effort * k), np.int64
        )


class FaissGraph:
    """Hierarchical navigable small worlds by faiss, where that package is installed."""

    def __init__(self, graph: object) -> None:
        self._graph = graph

    def nearest(self, query: NDArray[np.float32], k: int, effort: int) -> Rows:
        """Return at most k positions."""
        import faiss

        breadth = faiss.SearchParametersHNSW(efSearch=max(effort * k // 10, k))
        _, found = self._graph.search(query[None], k, params=breadth)  # type: ignore[attr-defined]
        return np.asarray(found[0][found[0] >= 0], np.int64)


def build_graph(vectors: NDArray[np.float32], path: Path, *, library: str, seed: int) -> None:
    """Build the file of `vectors` float32[m, f], none of them zero, by "annoy" or "faiss"."""
    if library == "faiss":
        import faiss

        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        graph = faiss.IndexHNSWFlat(vectors.shape[1], _HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.add(vectors / lengths)
        faiss.write_index(graph, str(path))
        return
    trees = AnnoyIndex(vectors.shape[1], "angular")
    trees.set_seed(seed)
    trees.on_disk_build(str(path))  # else the trees lie in memory twice
    for row, vector in enumerate(vectors):
        trees.add_item(row, vector)
    trees.build(N_TREES, n_jobs=-1)
    trees.unload()


def open_graph(path: Path, factors: int) -> Graph:
    """Memory-map a file whose hash was checked: a corrupt one kills the process."""
    with path.open("rb") as file:
        is_faiss = file.read(3) == b"IHN"  # faiss' mark of such a graph
    if is_faiss:
        import faiss

        return FaissGraph(faiss.read_index(str(path), faiss.IO_FLAG_MMAP))
    trees = AnnoyIndex(factors, "angular")
    trees.load(str(path))
    return AnnoyGraph(trees)
