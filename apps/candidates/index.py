"""Nearest contents by inner product: exact while that is cheaper, Annoy beyond (spec §4.1)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from annoy import AnnoyIndex
from numpy.typing import NDArray

from apps.core.candidates import Rows

EXACT_UP_TO = 50_000  # contents; below it one matrix product beats the trees
N_TREES = 50
SEARCH_FACTORS = (30, 100, 300)  # nodes inspected per wanted neighbor: the least that will do


class VectorIndex:
    """Finds the contents whose vectors have the largest inner product with a query.

    Annoy compares angles; a vector of length |v| gets √(M² − |v|²) more, M the longest, which
    turns inner products into angles (Bachrach et al., RecSys 2014). What it finds is scored again
    exactly.
    """

    def __init__(
        self,
        vectors: NDArray[np.float32],
        trees: AnnoyIndex | None = None,
        *,
        search_factor: int = SEARCH_FACTORS[0],
    ) -> None:
        self._vectors = vectors
        self._trees = trees if len(vectors) > EXACT_UP_TO else None
        self._search_factor = search_factor

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded; query: float32[f]."""
        if self._trees is None:
            scores = self._vectors @ query
            scores[excluded[: len(scores)]] = -np.inf
            return best_rows(scores, k)
        wanted = k + int(np.count_nonzero(excluded))
        found = self._trees.get_nns_by_vector(
            np.append(query, 0.0), wanted, search_k=self._search_factor * wanted
        )
        rows = np.array(found, np.int64)
        rows = rows[~excluded[rows]]
        return rows[best_rows(self._vectors[rows] @ query, k)]


def build_trees(vectors: NDArray[np.float32], path: Path, *, seed: int) -> None:
    """Build the Annoy file of `vectors` float32[n, f] at `path`."""
    trees = AnnoyIndex(vectors.shape[1] + 1, "angular")
    trees.set_seed(seed)
    norms = np.linalg.norm(vectors, axis=1)
    rest = np.sqrt(np.maximum(norms.max(initial=0) ** 2 - norms**2, 0))
    for row, vector in enumerate(np.column_stack([vectors, rest])):
        trees.add_item(row, vector)
    trees.build(N_TREES, n_jobs=-1)
    trees.save(str(path))


def load_trees(path: Path, factors: int) -> AnnoyIndex:
    """Memory-map an Annoy file whose hash was checked: a corrupt one kills the process."""
    trees = AnnoyIndex(factors + 1, "angular")
    trees.load(str(path))
    return trees


def measured_recall(
    trees: AnnoyIndex,
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    *,
    search_factor: int,
    k: int = 100,
) -> float:
    """Return the share of the exact top k that Annoy finds, over queries float32[m, f]."""
    if not len(queries):
        return 1.0
    found = 0.0
    for query in queries:
        exact = best_rows(vectors @ query, k)
        near = trees.get_nns_by_vector(np.append(query, 0.0), k, search_k=search_factor * k)
        found += len(np.intersect1d(exact, near)) / max(len(exact), 1)
    return found / len(queries)


def best_rows(scores: NDArray[np.floating], k: int) -> Rows:
    """Return the rows of the k largest finite scores, best first."""
    is_cut = k < len(scores)
    rows = np.argpartition(-scores, k - 1)[:k] if is_cut else np.arange(len(scores))
    rows = rows[np.isfinite(scores[rows])]
    return rows[np.argsort(-scores[rows], kind="stable")]
