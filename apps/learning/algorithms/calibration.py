"""Whether predicted probabilities come true, over bins of equally many predictions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Bin(NamedTuple):
    """Predictions next to one another in size."""

    n: int
    predicted: float  # mean
    observed: float  # share that came true


def bins(label: NDArray[np.bool_], probability: Floats, *, n: int = 10) -> list[Bin]:
    """Return at most n bins of equal mass, the smallest predictions first.

    label bool[m], probability float64[m] in [0, 1]. Equal predictions never part: what a constant
    predictor says is one bin. O(m log m).
    """
    if not len(label):
        return []
    order = np.argsort(probability, kind="stable")
    label, probability = label[order], probability[order]
    starts = np.unique(np.searchsorted(probability, probability[_edges(len(label), n)], "left"))
    return [
        Bin(len(y), float(p.mean()), float(y.mean()))
        for y, p in zip(np.split(label, starts[1:]), np.split(probability, starts[1:]), strict=True)
    ]


def expected_error(label: NDArray[np.bool_], probability: Floats, *, n: int = 10) -> float:
    """Return the ECE Σ nᵢ/m · |observedᵢ − predictedᵢ| over bins of equal mass; NaN for none."""
    found = bins(label, probability, n=n)
    if not found:
        return float("nan")
    return sum(b.n * abs(b.observed - b.predicted) for b in found) / len(label)


def _edges(m: int, n: int) -> NDArray[np.int64]:
    """Return the first position of each of min(n, m) bins."""
    count = min(n, m)
    return np.arange(count) * m // count
