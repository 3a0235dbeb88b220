"""The search that all others are measured against."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apps.core.candidates import Rows

_GATHER_UP_TO = 0.25  # share of rows allowed below which they are picked out before the product


class VectorIndex(Protocol):
    """Finds the contents whose vectors have the largest inner product with a query."""

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded.

        query: float32[f]. excluded: bool[n_contents], of a catalogue that may be longer or shorter
        than the vectors.
        """
        ...


class ExactIndex:
    """One matrix product. O(n·f)."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        vectors = self._vectors[: len(excluded)]
        excluded = excluded[: len(vectors)]
        allowed = np.flatnonzero(~excluded)
        if len(allowed) < _GATHER_UP_TO * len(vectors):
            return np.asarray(allowed[best_rows(vectors[allowed] @ query, k)])
        scores = vectors @ query
        scores[excluded] = -np.inf
        return best_rows(scores, k)


def best_rows(scores: NDArray[np.floating], k: int) -> Rows:
    """Return the rows of the k largest finite scores, best first."""
    is_cut = k < len(scores)
    rows = np.argpartition(-scores, k - 1)[:k] if is_cut else np.arange(len(scores))
    rows = rows[np.isfinite(scores[rows])]
    return rows[np.argsort(-scores[rows], kind="stable")]
