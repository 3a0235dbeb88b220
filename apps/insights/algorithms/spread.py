"""How unevenly something is spread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def gini(amounts: NDArray[np.int64]) -> float:
    """Return the Gini coefficient of int64[n] amounts ≥ 0, in [0, 1); 0 where there are none.

    G = Σ (2i − n − 1) x_i / (n Σ x), x ascending, i from 1.
    """
    n, total = len(amounts), int(amounts.sum())
    if not total:
        return 0.0
    weights = 2.0 * np.arange(1, n + 1) - n - 1
    return float(weights @ np.sort(amounts) / (n * total))
