"""Vectors of contents by what they are: those of the training, and those that came since."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.blocks import Blocks, join
from apps.candidates.embedder import Describe, Embedder
from apps.candidates.index import ExactIndex, VectorIndex, best_rows
from apps.content.types import Catalog
from apps.core.candidates import Rows


@dataclass(frozen=True, slots=True)
class ContentVectors:
    """Rows 0…n−1 as fitted, with an index; rows n…n+m−1 newer ones, which are searched exactly."""

    embedder: Embedder
    weights: dict[str, float]  # of the blocks
    fitted: NDArray[np.float32]  # [n, f] of length 1, 0 where nothing is known
    index: VectorIndex  # over `fitted`
    newer: NDArray[np.float32]  # [m, f]
    stamps: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    # [m] `changed_ms` with which each newer one was embedded

    def __len__(self) -> int:
        return len(self.fitted) + len(self.newer)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the vectors of rows, float32[n, f], 0 for rows past the end."""
        found = np.zeros((len(rows), self.fitted.shape[1]), np.float32)
        n = len(self.fitted)
        is_fitted, is_newer = rows < n, (rows >= n) & (rows < len(self))
        found[is_fitted] = self.fitted[rows[is_fitted]]
        found[is_newer] = self.newer[rows[is_newer] - n]
        return found

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        rows = self.index.search(query, k, excluded[: len(self.fitted)])
        newer = np.flatnonzero(~excluded[len(self.fitted) : len(self)]) + len(self.fitted)
        if not len(newer):
            return rows
        rows = np.concatenate([rows, newer])
        return np.asarray(rows[best_rows(self.at(rows) @ query, k)])

    def products(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return every content's products with queries float32[q, f], float32[q, n + m]."""
        found = queries @ self.fitted.T
        if not len(self.newer):
            return found
        return np.concatenate([found, queries @ self.newer.T], axis=1)

    def followed(self, catalog: Catalog, describe: Describe) -> ContentVectors:
        """Return the vectors with those of contents that came, or changed, since the training.

        What changes about a content that was there at the training comes with the next one.
        """
        stamps = catalog.changed_ms[len(self.fitted) :]
        if len(stamps) < len(self.stamps):
            return self  # a reader with an older catalogue
        is_known = np.zeros(len(stamps), np.bool_)
        is_known[: len(self.stamps)] = stamps[: len(self.stamps)] == self.stamps
        if is_known.all():
            return self
        wanted = np.flatnonzero(~is_known)
        newer = np.zeros((len(stamps), self.fitted.shape[1]), np.float32)
        newer[: len(self.newer)] = self.newer
        content_pks = catalog.content_pk[len(self.fitted) + wanted]
        newer[wanted] = join(self.embedder.all_blocks(content_pks, describe), self.weights)
        return replace(self, newer=newer, stamps=stamps.copy())


def joined(embedder: Embedder, blocks: Blocks, weights: dict[str, float]) -> ContentVectors:
    """Return the vectors of the blocks, searched exactly."""
    vectors = join(blocks, weights)
    newer = np.empty((0, vectors.shape[1]), np.float32)
    return ContentVectors(embedder, weights, vectors, ExactIndex(vectors), newer)
