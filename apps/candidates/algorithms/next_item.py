"""Closed-form next-item ridge: which contents follow which (SLIT of SLIST).

Choi, Kim, Lee, Shim and Lee, "Session-aware Linear Item-Item Models for Session-based
Recommendation" (WWW 2021). With S_t the faded past of event t (``sequences.past_windows``), T_t its
content one-hot and c_t its weight,

    B = argmin_B Σ_t c_t |T_t − S_t B|² + λ |B|² = (SᵀCS + λI)⁻¹ SᵀCT.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from apps.candidates.algorithms.neighbors import Neighbors, top_k, widen
from apps.candidates.algorithms.sequences import most_met, one_hot, past_windows, product_blocks


@dataclass(frozen=True, slots=True)
class NextItemParams:
    """How the next-item ridge fits."""

    window: int = 30  # w, events that predict the next one, 1–50
    decay_events: float = 10.0  # δ > 0, events after which a predictor counts 1/e
    regularization: float = 500.0  # λ > 0
    max_items: int = 4000  # heads, the most popular contents: memory m², time m³
    k: int = 200  # K, neighbors kept of a content


def fit_next_item(
    viewers: NDArray[np.int64],
    contents: NDArray[np.int64],
    weights: NDArray[np.float32],
    n_contents: int,
    params: NextItemParams,
) -> Neighbors:
    """Learn which contents follow a content.

    viewers, contents: int64[n], events in time order; weights: float32[n] ≥ 0, how much an event
    counts as predictor and as target (1 for a long view). Returns ``n_contents`` rows of neighbors;
    contents that are no heads have none and are nobody's. O(n·w² + m³), m = min(distinct, heads).
    """
    heads = most_met(contents, weights, n_contents, params.max_items)
    head_of = np.full(n_contents, -1, np.int64)
    head_of[heads] = np.arange(len(heads))
    kept = np.flatnonzero((head_of[contents] >= 0) & (weights > 0))
    kept = kept[np.argsort(viewers[kept], kind="stable")]
    if not len(kept):
        return Neighbors.empty(n_contents, 0)
    items, root = head_of[contents[kept]], np.sqrt(weights[kept])
    past = past_windows(
        viewers[kept], items, weights[kept], len(heads), params.window, params.decay_events
    )
    weighted_past = (sp.diags_array(root) @ past).tocsr()
    ridge = _ridge(weighted_past, one_hot(items, root, len(heads)), params.regularization)
    return widen(top_k(ridge, params.k), heads, n_contents)


def _ridge(
    past: sp.csr_matrix, present: sp.csr_matrix, regularization: float
) -> NDArray[np.float32]:
    """Return (SᵀS + λI)⁻¹ SᵀT, float32[m, m]."""
    system = _dense_product(past, past)
    system.flat[:: len(system) + 1] += np.float32(regularization)
    factor = scipy.linalg.cho_factor(system, lower=True, overwrite_a=True, check_finite=False)
    solved: NDArray[np.float32] = scipy.linalg.cho_solve(
        factor, _dense_product(past, present), overwrite_b=True, check_finite=False
    )
    return solved


def _dense_product(left: sp.csr_matrix, right: sp.csr_matrix) -> NDArray[np.float32]:
    """Return leftᵀ·right in Fortran order, as the solver overwrites it in place."""
    product = np.empty((left.shape[1], right.shape[1]), np.float32, order="F")
    for start, block in product_blocks(left, right):
        product[start : start + len(block)] = block
    return product
