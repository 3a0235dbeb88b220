"""Sparse content-to-content weights, and the score that a history gives through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DENSE_ROWS = 512  # rows cut to top-K at a time; bounds the copy that the partition makes


@dataclass(frozen=True, slots=True)
class Neighbors:
    """For each content, what it speaks for: at most K other contents, best first.

    Padding is index −1 with weight 0, at the end of a row. Where only some contents have neighbors
    just their rows are stored, and `place` says where: a catalogue of a million costs no more than
    its heads.
    """

    indices: NDArray[np.int32]  # [m, K] content rows, −1 for none
    weights: NDArray[np.float32]  # [m, K]
    place: NDArray[np.int32] | None = None  # [n] row of each content, −1 for none; None: its own

    def __len__(self) -> int:
        return len(self.indices if self.place is None else self.place)

    def stored(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the stored row of each content, −1 where there is none; rows: int64[h]."""
        known = rows < len(self)
        if self.place is None:
            return np.where(known, rows, -1)
        if not len(self):
            return np.full(len(rows), -1)
        return np.where(known, self.place[np.where(known, rows, 0)], -1).astype(np.int64)

    def of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return the neighbors [h, K] and weights [h, K] of contents int64[h]."""
        at = self.stored(rows)
        is_stored = (at >= 0)[:, None]
        if not len(self.indices):
            shape = (len(rows), self.indices.shape[1])
            return np.full(shape, -1, np.int32), np.zeros(shape, np.float32)
        return (
            np.where(is_stored, self.indices[at], np.int32(-1)),
            np.where(is_stored, self.weights[at], np.float32(0)),
        )

    @classmethod
    def empty(cls, n_items: int, k: int) -> Neighbors:
        """Return ``n_items`` contents without a neighbor."""
        nobody = np.full(n_items, -1, np.int32)
        return cls(np.empty((0, k), np.int32), np.empty((0, k), np.float32), nobody)


def score(
    neighbors: Neighbors,
    recent_rows: NDArray[np.int64],
    query_weights: NDArray[np.float32],
    n_contents: int,
) -> NDArray[np.float32]:
    """Sum the weights of the neighbors of a history: score_c = Σ_h q_h · B[h, c].

    recent_rows: int64[h], rows of the history; duplicates add up, rows that ``neighbors`` does not
    know (uploaded since the fit) add nothing. query_weights: float32[h], for example a recency
    decay. Returns float32[n_contents], 0 where no neighbor points. O(h·K + n_contents).
    """
    indices, weights = _pointed_at(neighbors, recent_rows, query_weights)
    # Padding lands in one extra cell at the end: cheaper than masking it away.
    targets = np.where(indices < 0, n_contents, indices)
    totals = np.bincount(targets, weights, minlength=n_contents + 1)
    return totals[:n_contents].astype(np.float32)


def score_rows(
    neighbors: Neighbors, recent_rows: NDArray[np.int64], query_weights: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return what `score` gives, as the ascending rows with a score and their scores.

    O(h·K log h·K), whatever the size of the catalogue.
    """
    indices, weights = _pointed_at(neighbors, recent_rows, query_weights)
    is_real = indices >= 0
    rows, inverse = np.unique(indices[is_real], return_inverse=True)
    totals = np.bincount(inverse, weights[is_real], minlength=len(rows))
    return rows.astype(np.int64), totals.astype(np.float32)


def _pointed_at(
    neighbors: Neighbors, recent_rows: NDArray[np.int64], query_weights: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return targets and weights of every neighbor of a history, flat, −1 for padding."""
    at = neighbors.stored(recent_rows)
    is_stored = at >= 0
    at, query = at[is_stored], query_weights[is_stored]
    return neighbors.indices[at].ravel(), (neighbors.weights[at] * query[:, None]).ravel()


def top_k(weights: NDArray[np.float32], k: int) -> Neighbors:
    """Keep the k largest positive weights of each row; equal weights keep the lower index.

    weights: float32[n, m] dense. Returns n rows of min(k, m) neighbors. O(n·m).
    """
    k = min(k, weights.shape[1])
    parts = [
        _top_k_block(weights[start : start + _DENSE_ROWS], k)
        for start in range(0, len(weights), _DENSE_ROWS)
    ]
    return concatenate(parts) if parts else Neighbors.empty(0, k)


def concatenate(parts: Sequence[Neighbors]) -> Neighbors:
    """Put the rows of neighbors of the same K under each other."""
    return Neighbors(
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def widen(neighbors: Neighbors, item_rows: NDArray[np.int64], n_items: int) -> Neighbors:
    """Renumber neighbors found among a selection of contents into the whole catalog.

    item_rows: int64[len(neighbors)], the catalog row of each selected content, ascending.
    Returns neighbors of ``n_items`` contents; those outside the selection have none.
    """
    renumbered = item_rows[np.maximum(neighbors.indices, 0)] if len(item_rows) else item_rows
    indices = np.where(neighbors.indices < 0, -1, renumbered).astype(np.int32)
    place = np.full(n_items, -1, np.int32)
    place[item_rows] = np.arange(len(item_rows))
    return Neighbors(indices, neighbors.weights, place)


def _top_k_block(block: NDArray[np.float32], k: int) -> Neighbors:
    """Return the k largest positive weights of each row, best first."""
    if k == 0:
        return Neighbors(np.empty((len(block), 0), np.int32), np.empty((len(block), 0), np.float32))
    columns = np.argpartition(-block, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(block, columns, axis=1)
    # A partition breaks ties at its edge arbitrarily; the few rows with such ties are sorted.
    edge = values.min(axis=1, initial=np.inf)
    tied = (edge > 0) & ((block >= edge[:, None]).sum(axis=1) > k)
    columns[tied] = np.argsort(-block[tied], axis=1, kind="stable")[:, :k]
    columns.sort(axis=1)
    values = np.take_along_axis(block, columns, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    columns = np.take_along_axis(columns, order, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    indices = np.where(values > 0, columns, -1).astype(np.int32)
    return Neighbors(indices, np.maximum(values, 0).astype(np.float32))
