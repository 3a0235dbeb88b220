"""The orthonormal DCT-II as a matrix: only the lowest few rows are ever needed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def cosines(k: int, n: int) -> NDArray[np.float32]:
    """Return the lowest k of n basis rows, float32[k, n]: √(2/n)·cos(π·i·(j + ½)/n), row 0 √(1/n).

    SciPy has it, but importing that takes as long as analyzing an image.
    """
    rows = np.cos(np.pi / n * np.outer(np.arange(k), np.arange(n) + 0.5)) * np.sqrt(2 / n)
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)
