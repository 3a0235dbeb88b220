"""Ratios of sums over viewers by the delta method (Deng, Knoblich & Lu, KDD 2018; §11.2).

R = Σy / Σx, as in long views per view. Viewers are the unit, not views: views of one viewer are
alike. The linearized value of viewer i, R + (y_i − R·x_i) / x̄, has mean R, and its variance
over n is that of R; so every method for means serves ratios too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def linearized(numerator: Floats, denominator: Floats) -> Floats:
    """Return float64[n], the linearized ratio of each viewer; zeros where Σx is 0."""
    total = denominator.sum()
    if not total:
        return np.zeros(len(numerator))
    ratio = numerator.sum() / total
    return np.asarray(ratio + (numerator - ratio * denominator) / denominator.mean())
