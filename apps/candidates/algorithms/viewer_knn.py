"""What the viewers most like this one think of contents (spec §4.2).

    r̂_uc = b_uc + Σ_n w_n (r_nc − b_nc) / (Σ_n |w_n| + s),    b_uc = μ + b_u + b_c

The sum is divided by its weights and centered on the baseline of the pair, as in Koren's
neighborhood model (KDD 2008): without the division it is worse than the biases alone, and centered
on the neighbor's mean it counts the content's bias twice.

Of ratings that viewers give, a missing one is not known and left out of both sums. Of ratings that
events imply, a missing one says something, too: `unmet` is the rating of what a neighbor never met.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Baseline:
    """μ + b_u + b_c: what is expected of a pair before its neighbors are asked."""

    mean: float  # μ
    viewers: Floats  # b_u, [m]
    contents: Floats  # b_c, [n]


def fit_baseline(
    ratings: sp.csr_matrix, *, damping: float = 5.0, unmet: float | None = None, passes: int = 5
) -> Baseline:
    """Return biases of ratings float32[m, n] by damped alternating means.

    unmet: the rating of every pair that is not stored; None: such pairs are not known.
    """
    if unmet is not None:
        return _of_all_pairs(ratings, damping, unmet)
    m, n = ratings.shape
    rows, columns, values = _cells(ratings)
    mean = float(values.mean()) if len(values) else 0.0
    of_viewer, of_content = np.zeros(m), np.zeros(n)
    for _ in range(passes):
        of_content = _damped_means(columns, values - mean - of_viewer[rows], n, damping)
        of_viewer = _damped_means(rows, values - mean - of_content[columns], m, damping)
    return Baseline(mean, of_viewer.astype(np.float32), of_content.astype(np.float32))


def _of_all_pairs(ratings: sp.csr_matrix, damping: float, unmet: float) -> Baseline:
    """Return the biases of a matrix without holes: there the two sides do not depend."""
    m, n = ratings.shape
    rows, columns, values = _cells(ratings)
    mean = float((values - unmet).sum()) / max(m * n, 1)
    of_viewer = (np.bincount(rows, values - unmet, m) - mean * n) / (n + damping)
    of_content = (np.bincount(columns, values - unmet, n) - mean * m) / (m + damping)
    return Baseline(mean + unmet, of_viewer.astype(np.float32), of_content.astype(np.float32))


def _damped_means(
    of: Ints, residual: NDArray[np.float64], size: int, damping: float
) -> NDArray[np.float64]:
    return np.bincount(of, residual, size) / (np.bincount(of, minlength=size) + damping)


def predict(
    weights: Floats,
    owner: Ints,
    contents: Ints,
    ratings: Floats,
    baseline: Baseline,
    *,
    viewer_bias: float,
    neighbors: Ints,
    shrinkage: float,
    unmet: float | None = None,
) -> tuple[Ints, Floats]:
    """Return the contents that neighbors rated, ascending, and r̂ of each.

    weights: float32[k], w_n. neighbors: int64[k], their places in `baseline.viewers`. owner:
    int64[e], the neighbor 0..k−1 of each rating; contents: int64[e]; ratings: float32[e]; a pair is
    there once at most. viewer_bias: b_u of who asks. shrinkage: s ≥ 0. O(e + n_contents).
    """
    rows, inverse = _distinct(contents, len(baseline.contents))
    of_content = baseline.contents[rows]
    centers = baseline.mean + baseline.viewers[neighbors]  # b_nc without b_c
    weight = weights[owner]
    if unmet is None:
        residual = ratings - centers[owner] - of_content[inverse]
        sums = np.bincount(inverse, weight * residual, len(rows))
        divisor = np.bincount(inverse, np.abs(weight), len(rows))
    else:
        # Every neighbor speaks of every content: first as if none had met it, then those who did.
        sums = np.bincount(inverse, weight * (ratings - unmet), len(rows))
        sums += (weights * (unmet - centers)).sum() - of_content * weights.sum()
        divisor = np.full(len(rows), np.abs(weights).sum())
    expected = baseline.mean + viewer_bias + of_content
    return rows, (expected + sums / np.maximum(divisor + shrinkage, 1e-9)).astype(np.float32)


def _distinct(contents: Ints, n: int) -> tuple[Ints, Ints]:
    """Return what `np.unique` gives for contents below n; marking them beats sorting."""
    is_there = np.zeros(n, np.bool_)
    is_there[contents] = True
    rows = np.flatnonzero(is_there)
    place = np.empty(n, np.int64)
    place[rows] = np.arange(len(rows))
    return rows, place[contents]


def residual_similarity(
    ratings: sp.csr_matrix, baseline: Baseline, *, shrinkage: float = 100.0
) -> Floats:
    """Return the cosine of viewers' residuals over what both rated, float32[m, m].

    Each is shrunk by n/(n + shrinkage), n the contents that both rated: two viewers with one
    content in common are not alike. The diagonal is 0.
    """
    rows, columns, values = _cells(ratings)
    residual = values - baseline.mean - baseline.viewers[rows] - baseline.contents[columns]
    shape = ratings.shape
    left = sp.csr_matrix((residual, (rows, columns)), shape)
    met = sp.csr_matrix((np.ones(len(rows)), (rows, columns)), shape)
    squares = (left.multiply(left) @ met.T).toarray()  # of mine, over what the other rated
    norms = np.sqrt(squares * squares.T)
    both = (met @ met.T).toarray()
    cosine = (left @ left.T).toarray() / np.maximum(norms, 1e-12)
    similarity = cosine * both / (both + shrinkage)
    np.fill_diagonal(similarity, 0)
    return similarity.astype(np.float32)


def _cells(ratings: sp.csr_matrix) -> tuple[Ints, Ints, NDArray[np.float64]]:
    found = ratings.tocoo()
    return found.row.astype(np.int64), found.col.astype(np.int64), found.data.astype(np.float64)
