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

    Padding is index −1 with weight 0, at the end of a row.
    """

    indices: NDArray[np.int32]  # [n, K] content rows, −1 for none
    weights: NDArray[np.float32]  # [n, K]

    def __len__(self) -> int:
        return len(self.indices)

    @classmethod
    def empty(cls, n_items: int, k: int) -> Neighbors:
        """Return ``n_items`` contents without a neighbor."""
        return cls(np.full((n_items, k), -1, np.int32), np.zeros((n_items, k), np.float32))


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
    known = recent_rows < len(neighbors)
    rows, query = recent_rows[known], query_weights[known]
    indices = neighbors.indices[rows]
    # Padding lands in one extra cell at the end: cheaper than masking it away.
    targets = np.where(indices < 0, n_contents, indices).ravel()
    weights = (neighbors.weights[rows] * query[:, None]).ravel()
    totals = np.bincount(targets, weights, minlength=n_contents + 1)
    return totals[:n_contents].astype(np.float32)


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
    Returns ``n_items`` rows; contents outside the selection have no neighbors.
    """
    wide = Neighbors.empty(n_items, neighbors.indices.shape[1])
    renumbered = item_rows[np.maximum(neighbors.indices, 0)]
    wide.indices[item_rows] = np.where(neighbors.indices < 0, -1, renumbered)
    wide.weights[item_rows] = neighbors.weights
    return wide


def _top_k_block(block: NDArray[np.float32], k: int) -> Neighbors:
    """Return the k largest positive weights of each row, best first."""
    if k == 0:
        return Neighbors.empty(len(block), 0)
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
