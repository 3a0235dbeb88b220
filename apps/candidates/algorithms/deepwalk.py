"""Vectors of contents from random walks over viewers and contents (spec §3.4).

Perozzi, Al-Rfou and Skiena, KDD 2014. Learning to predict the neighbors in a window of a walk with
k negative samples is factorizing log(#(i, j)·|D| / (#i·#j)) − log k (Levy and Goldberg, NeurIPS
2014; for walks Qiu et al., WSDM 2018); its positive part is factorized here by a truncated SVD. A
step goes from a content to one of its viewers and on to one of that viewer's contents, each by the
weight of the edge, so that a viewer is the weighted mean of their contents in the same space.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from apps.candidates.algorithms.svd import truncated_svd

_WALKERS = 20_000  # that walk at the same time


@dataclass(frozen=True, slots=True)
class DeepWalkParams:
    """How walks are made and factorized."""

    factors: int = 64  # f
    walks: int = 20  # from each content
    length: int = 8  # contents of a walk
    window: int = 3  # contents apart that count as neighbors
    negatives: float = 1.0  # k ≥ 1
    most_contents: int = 50_000  # embedded, those met most; the others get 0


def fit_deepwalk(
    confidence: sp.csr_matrix, params: DeepWalkParams, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the vectors of the contents, float32[n_contents, f], 0 for what nobody met.

    confidence: float32[n_viewers, n_contents] ≥ 0. O(n·walks·length·window) and the SVD.
    """
    n = confidence.shape[1]
    weight = np.asarray(confidence.sum(axis=0)).ravel()
    kept = np.argsort(-weight, kind="stable")[: params.most_contents]
    kept = np.sort(kept[weight[kept] > 0])
    vectors = np.zeros((n, params.factors), np.float32)
    if not len(kept):
        return vectors
    counts = co_occurrences(sp.csr_matrix(confidence[:, kept]), params, rng)
    left, values, _ = truncated_svd(positive_pmi(counts, params.negatives), params.factors, rng)
    vectors[kept, : left.shape[1]] = left * np.sqrt(values)
    return vectors


def co_occurrences(
    confidence: sp.csr_matrix, params: DeepWalkParams, rng: np.random.Generator
) -> sp.csr_matrix:
    """Return how often two contents stood within the window of a walk, float32[n, n], symmetric."""
    n = confidence.shape[1]
    to_content, to_viewer = _Steps(confidence), _Steps(sp.csr_matrix(confidence.T))
    counts = _pairs(np.empty((0, 2), np.int64), 1, n)
    for start in _starts(n, params.walks):
        walk = [start]
        for _ in range(params.length - 1):
            walk.append(to_content.next(to_viewer.next(walk[-1], rng), rng))
        counts = counts + _pairs(np.stack(walk, axis=1), params.window, n)
    return sp.csr_matrix(counts + counts.T)


def positive_pmi(counts: sp.csr_matrix, negatives: float) -> sp.csr_matrix:
    """Return max(log(#(i, j)·|D| / (#i·#j)) − log k, 0) where the two met, float32[n, n]."""
    cells = counts.tocoo()
    totals = np.asarray(counts.sum(axis=1)).ravel()
    expected = totals[cells.row] * totals[cells.col] / max(totals.sum(), 1e-9)
    pmi = np.log(cells.data / expected) - np.log(negatives)
    kept = pmi > 0
    places = (cells.row[kept], cells.col[kept])
    return sp.csr_matrix((pmi[kept].astype(np.float32), places), counts.shape)


def _starts(n: int, walks: int) -> Iterator[NDArray[np.int64]]:
    for _ in range(walks):
        for start in range(0, n, _WALKERS):
            yield np.arange(start, min(start + _WALKERS, n))


def _pairs(walk: NDArray[np.int64], window: int, n: int) -> sp.csr_matrix:
    """Count the pairs within the window of walks int64[w, length]."""
    lags = range(1, min(window, walk.shape[1] - 1) + 1)
    left = np.concatenate([walk[:, :-lag].ravel() for lag in lags])
    right = np.concatenate([walk[:, lag:].ravel() for lag in lags])
    return sp.csr_matrix((np.ones(len(left), np.float32), (left, right)), shape=(n, n))


class _Steps:
    """Draws the next node of many walkers by the weights of a sparse matrix's rows."""

    def __init__(self, edges: sp.csr_matrix) -> None:
        self._columns = edges.indices
        self._ends = np.cumsum(edges.data, dtype=np.float64)
        self._bounds = np.append(0.0, self._ends)[edges.indptr]
        self._starts = edges.indptr

    def next(self, nodes: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return a neighbor of each node; all must have one."""
        low, high = self._bounds[nodes], self._bounds[nodes + 1]
        drawn = low + rng.random(len(nodes)) * (high - low)
        at = np.searchsorted(self._ends, drawn, side="right")
        # Rounding at the end of a row must not step over into the next one.
        return self._columns[np.clip(at, self._starts[nodes], self._starts[nodes + 1] - 1)]
