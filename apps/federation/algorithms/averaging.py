"""Federated averaging of a logistic model (McMahan et al. 2017; clipped as in 2018)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def local_update(
    weights: Floats, features: Floats, labels: Floats, *, rate: float, steps: int
) -> Floats:
    """Return what `steps` full-batch steps of gradient descent add to weights, float64[d].

    features: float64[n, d], labels: [n] of 0 and 1. The loss is the log-loss summed over views, so
    that each view counts alike until its device's update is clipped: with one step, the mean of m
    devices' updates is a central step of `rate`/m on all their views.
    """
    trained = weights.copy()
    for _ in range(steps):
        trained -= rate * features.T @ (chances(features, trained) - labels)
    return trained - weights


def chances(features: Floats, weights: Floats) -> Floats:
    """Return the probability of a long view of each row, float64[n]."""
    return np.asarray(1.0 / (1.0 + np.exp(-(features @ weights))))


def clipped(update: Floats, longest: float) -> Floats:
    """Return the update, shortened to length `longest` where it is longer."""
    length = float(np.linalg.norm(update))
    return update if length <= longest else update * (longest / length)
