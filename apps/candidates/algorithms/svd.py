"""Truncated singular value decomposition of a large sparse matrix by random projection.

Halko, Martinsson and Tropp, SIAM Review 2011: the range of the matrix is found with a few products,
and what is left is small.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_OVERSAMPLED = 10
_PASSES = 4


def truncated_svd(
    matrix: sp.csr_matrix | NDArray[np.float32], k: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return U float32[n, r], s float32[r] descending and Vᵀ float32[r, m], r = min(k, n, m).

    O(nnz·k + (n + m)·k²). The sign of each pair of vectors is such that the largest entry of the
    right one is positive, so that two runs give the same.
    """
    n, m = matrix.shape
    rank, width = min(k, n, m), min(k + _OVERSAMPLED, n, m)
    if not rank:
        return np.zeros((n, 0), np.float32), np.zeros(0, np.float32), np.zeros((0, m), np.float32)
    basis = np.asarray(matrix @ rng.normal(size=(m, width)).astype(np.float32))
    for _ in range(_PASSES):
        basis = np.linalg.qr(basis)[0]
        basis = np.asarray(matrix @ np.linalg.qr(np.asarray(matrix.T @ basis))[0])
    basis = np.linalg.qr(basis)[0]
    small = np.asarray(matrix.T @ basis).T
    left, values, right = np.linalg.svd(small, full_matrices=False)
    signs = np.sign(np.take_along_axis(right, np.abs(right).argmax(axis=1)[:, None], axis=1))
    left, right = (basis @ left) * signs.T, right * signs
    return (
        left[:, :rank].astype(np.float32),
        values[:rank].astype(np.float32),
        right[:rank].astype(np.float32),
    )
