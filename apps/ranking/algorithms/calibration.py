"""Probabilities that mean what they say: a map of logits, never decreasing (spec §5.2).

Every map is a broken line through knots (z, calibrated logit) that goes on beyond the outer ones
with slope `tail`. Platt's line (1999) is one knot; isotonic regression (Zadrozny & Elkan 2002)
gives many, one a block of examples. Lines between blocks keep the order within them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.loss import logit, sigmoid

ISOTONIC_POSITIVES = 3000  # of the rarer label; with fewer the steps fit noise
_BLOCKS = 30  # of equal numbers of examples, pooled until none decreases
_NEWTON_STEPS = 30
_RIDGE = 1.0  # pulls the slope towards 1: a few labels must not turn an order around
_LOWEST_SLOPE = 0.05

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibrator:
    """A broken line through (knots, values), both float64[k] ascending, k ≥ 1."""

    knots: Doubles
    values: Doubles
    tail: float = 1.0  # slope beyond the outer knots, > 0

    def __call__(self, z: Doubles) -> Doubles:
        """Return the calibrated logits of logits z, float64 of the same shape."""
        if len(self.knots) == 1:
            return np.asarray(self.values[0] + self.tail * (z - self.knots[0]))
        inside = np.interp(z, self.knots, self.values)
        beyond = z - np.clip(z, self.knots[0], self.knots[-1])
        return np.asarray(inside + self.tail * beyond)


IDENTITY = Calibrator(np.zeros(1), np.zeros(1))


def together(calibrators: Sequence[Calibrator], z: Doubles) -> Doubles:
    """Return what each calibrator makes of its row of logits, float64[m, n]: lines all at once."""
    knot, value, tail = np.array([(c.knots[0], c.values[0], c.tail) for c in calibrators]).T
    found = value[:, None] + tail[:, None] * (z - knot[:, None])
    for i, calibrator in enumerate(calibrators):
        if len(calibrator.knots) > 1:
            found[i] = calibrator(z[i])
    return np.asarray(found)


def fit(z: Doubles, y: NDArray[np.floating]) -> Calibrator:
    """Return the calibrator of logits z float64[n] and labels y [n] in [0, 1].

    Isotonic where both labels are common, else Platt; the identity without both.
    """
    n_rarer = min(float(y.sum()), float((1 - y).sum()))
    if n_rarer < 1:
        return IDENTITY
    return fit_isotonic(z, y) if n_rarer >= ISOTONIC_POSITIVES else fit_platt(z, y)


def fit_platt(z: Doubles, y: NDArray[np.floating]) -> Calibrator:
    """Return az + b of the least loss + ½(a − 1)², by Newton's method; a ≥ 0.05."""
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
    return Calibrator(np.zeros(1), np.array([b]), max(a, _LOWEST_SLOPE))


def fit_isotonic(z: Doubles, y: NDArray[np.floating]) -> Calibrator:
    """Return the line through the pooled blocks of z: mean logit → logit of the mean label."""
    order = np.argsort(z, kind="stable")
    blocks = np.array_split(order, min(_BLOCKS, len(z)))
    pooled: list[tuple[float, float, int]] = []  # sum of z, sum of y, number
    for block in blocks:
        pooled.append((float(z[block].sum()), float(y[block].sum()), len(block)))
        # Adjacent violators (Ayer et al. 1955): a block not above the one before joins it.
        while len(pooled) > 1 and _rate(pooled[-1]) <= _rate(pooled[-2]):
            last, before = pooled.pop(), pooled.pop()
            pooled.append(tuple(a + b for a, b in zip(before, last, strict=True)))  # type: ignore[arg-type]
    knots = np.array([total / n for total, _, n in pooled])
    # Half an example away from 0 and 1: what a block never saw may still happen.
    rates = np.array([_rate(block) for block in pooled])
    values = logit(rates, floor=0.5 / len(z))
    rising = np.concatenate([[True], np.diff(knots) > 0])
    return Calibrator(knots[rising], values[rising])


def _rate(block: tuple[float, float, int]) -> float:
    return block[1] / block[2]
