"""Event sequences as sparse matrices: what stood before each event, faded by distance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_CELLS = 1 << 24  # dense cells of a product held at a time, 64 MB


def past_windows(
    viewers: NDArray[np.int64],
    items: NDArray[np.int64],
    weights: NDArray[np.float32],
    n_items: int,
    window: int,
    decay_events: float,
) -> sp.csr_matrix:
    """Return S_t = Σ_{d=1..w} e^{−(d−1)/δ} c_{t−d} e_{i_{t−d}} for every event t.

    viewers, items, weights: [n], sorted by viewer, then by time. Returns float32[n, n_items]; the
    first event of a viewer has an empty row. O(n·w).
    """
    n = len(items)
    rows, columns, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [weights[:0]]
    for lag in range(1, min(window, n - 1) + 1):
        target = lag + np.flatnonzero(viewers[lag:] == viewers[:-lag])
        if not len(target):
            break  # no viewer has a longer history
        rows.append(target)
        columns.append(items[target - lag])
        values.append(weights[target - lag] * np.float32(np.exp(-(lag - 1) / decay_events)))
    cells = (np.concatenate(rows), np.concatenate(columns))
    return sp.csr_matrix((np.concatenate(values), cells), shape=(n, n_items), dtype=np.float32)


def one_hot(items: NDArray[np.int64], weights: NDArray[np.float32], n_items: int) -> sp.csr_matrix:
    """Return the matrix whose row t holds weight t at item t, float32[n, n_items]."""
    cells = (np.arange(len(items)), items)
    return sp.csr_matrix((weights, cells), shape=(len(items), n_items), dtype=np.float32)


def product_blocks(
    left: sp.csr_matrix, right: sp.csr_matrix
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield (first row, dense rows) of leftᵀ·right a block at a time, in order."""
    transposed = left.T.tocsr()
    n_rows = max(1, _CELLS // max(1, right.shape[1]))
    for start in range(0, transposed.shape[0], n_rows):
        yield start, (transposed[start : start + n_rows] @ right).toarray()


def recency_weights(
    weights: NDArray[np.float32], window: int, decay_events: float
) -> NDArray[np.float32]:
    """Return the query of a history, e^{−j/δ}·c_j for the j-th event from its end.

    weights: float32[h], of the events in time order. Returns float32[h], 0 before the window.
    """
    age = np.arange(len(weights) - 1, -1, -1)
    decay = np.where(age < window, np.exp(-age / decay_events), 0.0)
    return (weights * decay).astype(np.float32)


def most_met(
    contents: NDArray[np.int64], weights: NDArray[np.float32], n_contents: int, max_items: int
) -> NDArray[np.int64]:
    """Return int64[≤ max_items], the contents met most, ascending; ties go to the lower row.

    contents: int64[n]; weights: float32[n] ≥ 0. Contents without any weight are left out.
    """
    popularity = np.bincount(contents, weights, minlength=n_contents)
    best = np.argsort(-popularity, kind="stable")[:max_items]
    return np.sort(best[popularity[best] > 0])
