"""p-values of many questions asked at once (§11.2)."""

from __future__ import annotations

import numpy as np

from apps.experiments.algorithms.ratio import Floats


def holm(p: Floats) -> Floats:
    """Return p-values adjusted so that any false claim has chance ≤ α (Holm 1979).

    p: float64[m] in [0, 1]. p̃ of the i-th smallest is max over j ≤ i of (m − j + 1)·p₍ⱼ₎, at
    most 1. No assumption on how the p-values depend on each other.
    """
    order, m = np.argsort(p), len(p)
    raised = np.minimum(np.maximum.accumulate((m - np.arange(m)) * p[order]), 1.0)
    return _placed(raised, order)


def benjamini_hochberg(p: Floats) -> Floats:
    """Return p-values adjusted so that the expected share of false claims is ≤ α (1995).

    p: float64[m] in [0, 1]. p̃ of the i-th smallest is min over j ≥ i of m/j · p₍ⱼ₎, at most 1.
    """
    order, m = np.argsort(p), len(p)
    raised = p[order] * m / np.arange(1, m + 1)
    lowest = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return _placed(lowest, order)


def _placed(values: Floats, order: np.ndarray) -> Floats:
    placed = np.empty(len(values))
    placed[order] = values
    return placed
