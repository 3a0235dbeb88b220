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

MOST_CHANGED = 5000  # contents of the training that are embedded again before the next one


def _no_rows() -> Rows:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class ContentVectors:
    """Rows 0…n−1 as fitted, with an index; those that came or changed since, searched exactly."""

    embedder: Embedder
    weights: dict[str, float]  # of the blocks
    fitted: NDArray[np.float32]  # [n, f] of length 1, 0 where nothing is known
    index: VectorIndex  # over `fitted`
    # [n] `changed_ms` of each content at the training; of an older bundle, that did not keep them,
    # [0]: what changes about its contents comes with the next training
    fitted_stamps: NDArray[np.int64] = field(default_factory=_no_rows)
    rows: Rows = field(default_factory=_no_rows)  # [d] embedded since, ascending; all from n on
    since: NDArray[np.float32] | None = None  # [d, f] their vectors
    stamps: NDArray[np.int64] = field(default_factory=_no_rows)  # [d] `changed_ms` at that time

    def __len__(self) -> int:
        return max(len(self.fitted), int(self.rows[-1]) + 1 if len(self.rows) else 0)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the vectors of rows, float32[n, f], 0 for rows past the end."""
        found = np.zeros((len(rows), self.fitted.shape[1]), np.float32)
        is_fitted = rows < len(self.fitted)
        found[is_fitted] = self.fitted[rows[is_fitted]]
        if self.since is not None:
            place, is_since = self._place(rows)
            found[is_since] = self.since[place[is_since]]
        return found

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        n = len(self.fitted)
        since = self.rows[self.rows < len(excluded)]  # whose reader may be behind
        since = since[~excluded[since]]
        masked = excluded[:n]
        if len(since) and since[0] < n:
            masked = masked.copy()
            masked[since[since < n]] = True  # the index knows what they were
        rows = self.index.search(query, k, masked)
        if not len(since):
            return rows
        rows = np.concatenate([rows, since])
        return np.asarray(rows[best_rows(self.at(rows) @ query, k)])

    def products(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return every content's products with queries float32[q, f], float32[q, n + m]."""
        found = queries @ self.fitted.T
        if self.since is None:
            return found
        joined = np.zeros((len(queries), len(self)), np.float32)
        joined[:, : len(self.fitted)] = found
        joined[:, self.rows] = queries @ self.since.T
        return joined

    def followed(self, catalog: Catalog, describe: Describe) -> ContentVectors:
        """Return the vectors with those of contents that came, or changed, since the training.

        Of those that were there at the training the `MOST_CHANGED` that changed last; all of them
        come with the next one.
        """
        if len(catalog) < len(self):
            return self  # a reader with an older catalogue
        n, stamps = len(self.fitted), catalog.changed_ms
        old = np.flatnonzero(stamps[: len(self.fitted_stamps)] != self.fitted_stamps)
        if len(old) > MOST_CHANGED:
            old = np.sort(old[np.argsort(-stamps[old], kind="stable")[:MOST_CHANGED]])
        rows = np.concatenate([old, np.arange(n, len(catalog))])
        if np.array_equal(rows, self.rows) and np.array_equal(stamps[rows], self.stamps):
            return self
        since = self.at(rows)
        place, wanted = self._place(rows)
        wanted = ~wanted
        wanted[~wanted] = self.stamps[place[~wanted]] != stamps[rows[~wanted]]
        content_pks = catalog.content_pk[rows[wanted]]
        since[wanted] = join(self.embedder.all_blocks(content_pks, describe), self.weights)
        return replace(self, rows=rows, since=since, stamps=stamps[rows])

    def _place(self, rows: Rows) -> tuple[Rows, NDArray[np.bool_]]:
        """Return the places of rows among those embedded since, and whether each is there."""
        if not len(self.rows):
            return np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
        place = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        return place, self.rows[place] == rows


def joined(
    embedder: Embedder, blocks: Blocks, weights: dict[str, float], stamps: NDArray[np.int64]
) -> ContentVectors:
    """Return the vectors of the blocks of contents with these stamps, searched exactly."""
    vectors = join(blocks, weights)
    return ContentVectors(embedder, weights, vectors, ExactIndex(vectors), stamps)
