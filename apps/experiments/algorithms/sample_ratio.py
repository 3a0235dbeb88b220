"""Sample ratio mismatch: whether viewers are divided as they were meant to be (§11.2).

χ² = Σ (n_k − N·w_k)² / (N·w_k) with k − 1 degrees of freedom. A split that is off says that
exposure or logging depends on the variant; then no difference can be believed (Fabijan et al.,
KDD 2019).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from apps.experiments.algorithms.ratio import Floats


def mismatch_p(counts: NDArray[np.int64], shares: Floats) -> float:
    """Return the p-value of counts int64[k] under shares float64[k] > 0, which sum to 1.

    1 while nobody was counted.
    """
    expected = counts.sum() * shares
    if not expected.sum():
        return 1.0
    return float(special.chdtrc(len(counts) - 1, ((counts - expected) ** 2 / expected).sum()))
