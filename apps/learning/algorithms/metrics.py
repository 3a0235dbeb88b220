"""Measures of ranked lists and of probabilities, per viewer and over all, with intervals.

Lists are judged over the full catalogue, never against sampled negatives. A viewer counts once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ranking_metrics(
    hits: NDArray[np.bool_], n_relevant: NDArray[np.int64], k: int
) -> dict[str, Floats]:
    """Return each viewer's measures at k, float64[m] each.

    hits: bool[m, ≥ k], whether the i-th item of a viewer's list is relevant (False past its end).
    n_relevant: int64[m] ≥ 1, how many are relevant in all. NDCG has binary gains and the ideal list
    of min(k, n_relevant); MAP divides by the same; recall divides by n_relevant.
    """
    top = hits[:, :k].astype(np.float64)
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)[np.minimum(n_relevant, k) - 1]
    found = top.sum(axis=1)
    precision = np.cumsum(top, axis=1) / np.arange(1, k + 1)
    first = np.where(found > 0, top.argmax(axis=1) + 1, np.inf)
    return {
        f"ndcg@{k}": top @ discount / ideal,
        f"precision@{k}": found / k,
        f"recall@{k}": found / n_relevant,
        f"map@{k}": (precision * top).sum(axis=1) / np.minimum(n_relevant, k),
        f"hit_rate@{k}": (found > 0).astype(np.float64),
        f"mrr@{k}": 1 / first,
    }


def gini(exposure: NDArray[np.int64]) -> float:
    """Return the Gini coefficient of counts int64[n] ≥ 0: 0 all the same, → 1 all on one."""
    ordered = np.sort(exposure).astype(np.float64)
    total = ordered.sum()
    if total == 0:
        return 0.0
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * total))


def auc(label: NDArray[np.bool_], score: Floats) -> float:
    """Return the chance that a positive scores above a negative, ties half; NaN without both."""
    n_positive = int(label.sum())
    n_negative = len(label) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    ranks = _average_ranks(score)
    return float(
        (ranks[label].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)
    )


def _average_ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse])


def grouped_auc(label: NDArray[np.bool_], score: Floats, group: NDArray[np.int64]) -> float:
    """Return the mean AUC within groups, weighted by size; groups of one class are left out.

    Judge with it frozen predictions only: a running mean of the viewer reads far below .5 on noise.
    """
    order = np.argsort(group, kind="stable")
    label, score, group = label[order], score[order], group[order]
    starts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    total = weight = 0.0
    for start, end in zip(starts, np.append(starts[1:], len(group)), strict=True):
        value = auc(label[start:end], score[start:end])
        if np.isfinite(value):
            total += value * (end - start)
            weight += end - start
    return total / weight if weight else float("nan")


def log_loss(label: NDArray[np.bool_], probability: Floats) -> float:
    """Return the mean negative log-likelihood, probabilities kept off 0 and 1 by 1e-7."""
    p = np.clip(probability, 1e-7, 1 - 1e-7)
    return float(-np.mean(np.where(label, np.log(p), np.log1p(-p))))


class Interval(NamedTuple):
    """A mean with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def bootstrap_mean(values: Floats, rng: np.random.Generator, *, n: int = 1000) -> Interval:
    """Return the mean of values float64[m], one a viewer, over resampled viewers."""
    m = len(values)
    if not m:
        return Interval(float("nan"), float("nan"), float("nan"))
    weights = rng.multinomial(m, np.full(m, 1 / m), size=n)
    low, high = np.percentile(weights @ values / m, [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))
