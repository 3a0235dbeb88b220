"""A line of logits that makes probabilities mean what they say (Platt 1999)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.loss import sigmoid

_NEWTON_STEPS = 30
_RIDGE = 1.0  # pulls the slope towards 1: a few labels must not turn an order around
_LOWEST_SLOPE = 0.05


def fit_platt(z: NDArray[np.float64], y: NDArray[np.floating]) -> tuple[float, float]:
    """Return slope a ≥ 0.05 and intercept b of least loss of az + b, + ½(a − 1)², by Newton.

    z: float64[n] logits; y: [n] labels in [0, 1], not all alike.
    """
    a, b = 1.0, 0.0
    for _ in range(_NEWTON_STEPS):
        p = sigmoid(a * z + b)
        residual, weight = p - y, np.maximum(p * (1 - p), 1e-9)
        slope = np.array([residual @ z + _RIDGE * (a - 1), residual.sum()])
        cross = float(weight @ z)
        curvature = np.array([[weight @ z**2 + _RIDGE, cross], [cross, weight.sum()]])
        move = np.clip(np.linalg.solve(curvature, slope), -2, 2)
        a, b = a - float(move[0]), b - float(move[1])
        if np.abs(move).max() < 1e-10:
            break
    return max(a, _LOWEST_SLOPE), b
