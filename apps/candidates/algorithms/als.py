"""Implicit alternating least squares with frequency-scaled regularisation (iALS).

Hu, Koren and Volinsky, ICDM 2008; the regularisation and its weight in Rendle, Krichene, Zhang and
Koren, "Revisiting the Performance of iALS on Item Recommendation Benchmarks" (RecSys 2022). With
confidences C and vectors W of the viewers and H of the contents it minimises

    Σ_{(u,i) observed} c_ui (w_u·h_i − 1)² + α₀ Σ_{all u,i} (w_u·h_i)²
        + λ Σ_u (Σ_i c_ui + α₀ n_contents)^ν |w_u|² + λ Σ_i (Σ_u c_ui + α₀ n_viewers)^ν |h_i|².

A viewer's vector is a function of the contents they met (``fold_in``), so only the vectors of the
contents are kept: a viewer who met a content a second ago is scored with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg.lapack import sposv

Vectors = NDArray[np.float32]

_CELLS = 1 << 16  # (viewer, content) cells of one padded batch: f times that many floats
_GROWTH = 1.25  # lengths in one batch differ by at most this factor, or padding dominates


@dataclass(frozen=True, slots=True)
class ALSParams:
    """How iALS fits; equal parameters must be used for the fit and the fold-in."""

    factors: int = 64  # f, 8–256
    iterations: int = 8  # passes over both sides, 1–50
    unobserved_weight: float = 0.05  # α₀ > 0, weight of a pair that never met
    regularization: float = 0.01  # λ > 0; less (.005) suits catalogs of rare contents
    frequency_exponent: float = 1.0  # ν, 0 (the same for all) – 1 (by frequency)
    n_threads: int = 1  # batches solved at the same time, ≥ 1


def fit_als(confidence: sp.csr_matrix, params: ALSParams, rng: np.random.Generator) -> Vectors:
    """Return the vectors of the contents.

    confidence: float32[n_viewers, n_contents], ≥ 0 (1 for a long view, less for a weaker sign).
    Returns float32[n_contents, f]; contents that nobody met have zero vectors.
    O(iterations · nnz · f · min(f, row length)).
    """
    by_viewer = confidence.tocsr().astype(np.float32)
    by_content = by_viewer.T.tocsr()
    scale = 0.1 / np.sqrt(params.factors)
    contents = rng.normal(0.0, scale, (by_viewer.shape[1], params.factors)).astype(np.float32)
    for _ in range(params.iterations):
        viewers = fold_in_many(contents, gram(contents), by_viewer, params)
        contents = fold_in_many(viewers, gram(viewers), by_content, params)
    return contents


def gram(vectors: Vectors) -> Vectors:
    """Return VᵀV, float32[f, f]: what every fold-in against ``vectors`` shares."""
    return vectors.T @ vectors


def fold_in(
    vectors: Vectors,
    gram: Vectors,
    rows: NDArray[np.int64],
    weights: NDArray[np.float32],
    params: ALSParams,
) -> NDArray[np.float32]:
    """Solve for the vector of one viewer: (α₀ G + HᵀCH + λ' I) w = HᵀC1.

    vectors: float32[n_contents, f]; gram: float32[f, f], ``gram(vectors)``. rows: int64[h] unique
    contents met; weights: float32[h], their confidences. Returns float32[f], zeros for an empty
    history. O(h·f² + f³).
    """
    met = vectors[rows]
    system = (met.T * weights) @ met + np.float32(params.unobserved_weight) * gram
    ridge = _ridge(weights.sum(keepdims=True), len(vectors), params)
    system.flat[:: len(system) + 1] += ridge
    # LAPACK itself, for a symmetric system: a third of the time of `np.linalg.solve`.
    _, solution, failed = sposv(system, weights @ met)
    if failed:  # not positive in float32
        solution = np.linalg.solve(system, weights @ met)
    return np.asarray(solution, np.float32)


def fold_in_many(
    vectors: Vectors, gram: Vectors, confidence: sp.csr_matrix, params: ALSParams
) -> Vectors:
    """Solve for the vectors of many viewers at once; row by row the same as ``fold_in``.

    confidence: float32[n, n_contents]. Returns float32[n, f], zeros for empty rows. Histories
    shorter than f are solved in the space of their contents, h³ instead of f³.
    """
    # In the eigenbasis of the Gram matrix what all viewers share is diagonal, so that even with a
    # ridge of their own the inverse of that part is free.
    spectrum, basis = np.linalg.eigh(gram.astype(np.float64))
    rotated = vectors @ basis.astype(np.float32)
    shared = (params.unobserved_weight * np.maximum(spectrum, 0)).astype(np.float32)
    solved = np.zeros((confidence.shape[0], vectors.shape[1]), np.float32)

    def solve(batch: NDArray[np.int64]) -> None:
        met, weights = _padded(confidence, batch, rotated)
        ridge = _ridge(weights.sum(axis=1), len(vectors), params)
        diagonal = shared + ridge[:, None]
        in_items = met.shape[1] < met.shape[2]
        solved[batch] = (_solve_items if in_items else _solve_factors)(met, weights, diagonal)

    batches = _batches(np.diff(confidence.indptr))
    if params.n_threads == 1:
        for batch in batches:
            solve(batch)
    else:
        with ThreadPoolExecutor(params.n_threads) as pool:
            list(pool.map(solve, batches))  # the list raises what a thread raised
    return solved @ basis.T.astype(np.float32)


def _ridge(frequency: NDArray[np.float32], n_others: int, params: ALSParams) -> NDArray[np.float32]:
    """Return λ (Σ c + α₀ n)^ν for each frequency."""
    base = frequency + np.float32(params.unobserved_weight * n_others)
    scaled = params.regularization * base**params.frequency_exponent
    return scaled.astype(np.float32)


def _batches(lengths: NDArray[np.int32]) -> Iterator[NDArray[np.int64]]:
    """Yield the non-empty rows in groups of similar length that fit the cell budget."""
    order = np.argsort(lengths, kind="stable")
    ordered = lengths[order]
    start = int(np.searchsorted(ordered, 1))
    while start < len(order):
        longest = int(ordered[start] * _GROWTH)
        end = int(np.searchsorted(ordered, longest, side="right"))
        end = min(end, start + max(1, _CELLS // longest))
        yield order[start:end]
        start = end


def _padded(
    confidence: sp.csr_matrix, batch: NDArray[np.int64], vectors: Vectors
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the vectors [b, h, f] and weights [b, h] that the rows of a batch met, 0 padded."""
    starts, lengths = confidence.indptr[batch], np.diff(confidence.indptr)[batch]
    columns = np.arange(lengths.max())
    is_real = columns < lengths[:, None]
    cells = np.where(is_real, starts[:, None] + columns, 0)
    weights = np.where(is_real, confidence.data[cells], 0).astype(np.float32)
    return vectors[confidence.indices[cells]], weights


def _solve_factors(
    met: NDArray[np.float32], weights: NDArray[np.float32], diagonal: NDArray[np.float32]
) -> Vectors:
    """Solve (D + HᵀCH) w = HᵀC1 for each of b rows; met: [b, h, f], diagonal: [b, f]."""
    weighted = met * weights[:, :, None]
    systems = weighted.transpose(0, 2, 1) @ met
    factor = np.arange(met.shape[2])
    systems[:, factor, factor] += diagonal
    solved: Vectors = np.linalg.solve(systems, weighted.sum(axis=1)[:, :, None])[:, :, 0]
    return solved


def _solve_items(
    met: NDArray[np.float32], weights: NDArray[np.float32], diagonal: NDArray[np.float32]
) -> Vectors:
    """Solve the same in h unknowns: w = D⁻¹Zᵀ (I + ZD⁻¹Zᵀ)⁻¹ C^½ 1 with Z = C^½ H (Woodbury)."""
    root = np.sqrt(weights)
    z = met * root[:, :, None]
    scaled = z / diagonal[:, None, :]
    systems = scaled @ z.transpose(0, 2, 1)
    item = np.arange(met.shape[1])
    systems[:, item, item] += 1
    dual = np.linalg.solve(systems, root[:, :, None])
    solved: Vectors = (scaled * dual).sum(axis=1)
    return solved
