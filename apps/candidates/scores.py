"""Opinions of sources about contents: dense, or through an index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.candidates.index import VectorIndex, best_rows
from apps.core.candidates import Rows

ORDERED = 5000  # rows that a shared order keeps; who has met them all has seen enough


class DenseScores:
    """A score for every content that the source knows; rows past the end have none.

    scores: float32[≤ n_contents], higher is better; −inf: never propose.
    """

    def __init__(self, scores: NDArray[np.float32]) -> None:
        self._scores = scores

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        allowed = np.where(excluded[: len(self._scores)], np.float32(-np.inf), self._scores)
        return best_rows(allowed, k)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row, NaN for rows past the end."""
        return gather(self._scores, rows)


class RankedScores:
    """A score for every content whose order was worked out beforehand, for all requests.

    order: int64[≤ ORDERED], the best rows that may be proposed, best first.
    """

    def __init__(self, scores: NDArray[np.float32], order: Rows) -> None:
        self._scores = scores
        self._order = order

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return the first k rows of the order that are not excluded."""
        # A request with a newer catalogue may have made the order that all share.
        order = self._order[self._order < len(excluded)]
        found = order[~excluded[order]][:k]
        if len(found) == k or len(self._order) < ORDERED:
            return found
        # Much is excluded, as with a rare category: what the order was cut off from comes in.
        allowed = self._scores[: len(excluded)].copy()
        allowed[excluded[: len(allowed)]] = -np.inf
        return best_rows(allowed, k)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row, NaN for rows past the end."""
        return gather(self._scores, rows)


class VectorScores:
    """Inner products with the viewer's vector."""

    def __init__(
        self, vectors: NDArray[np.float32], index: VectorIndex, query: NDArray[np.float32]
    ) -> None:
        self._vectors = vectors
        self._index = index
        self._query = query

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        return self._index.search(self._query, k, excluded)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the product of each row, NaN for contents without a vector."""
        known = np.minimum(rows, len(self._vectors) - 1)
        scores = self._vectors[known] @ self._query
        return np.where(rows < len(self._vectors), scores, np.float32(np.nan))


def gather(scores: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
    """Return scores[rows], NaN past the end and for −inf."""
    if not len(scores):
        return np.full(len(rows), np.nan, np.float32)
    found = scores[np.minimum(rows, len(scores) - 1)]
    return np.where((rows < len(scores)) & np.isfinite(found), found, np.float32(np.nan))
