"""Which of a pool is chosen: a line through features, learned from pools by their order alone.

The conditional logit (McFadden 1974), as a list-wise loss (ListNet, Cao et al. 2007): the chance of
a candidate among its pool is the softmax of the line. What all candidates of a pool have in common
(the viewer, the hour, how popular everything is) drops out, so that levels which move from day to
day teach nothing wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

_MOST_DEVIATIONS = 5.0  # a feature counts as at most so far from its mean
_STEPS = 200  # of L-BFGS, at most

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scaling:
    """How features become comparable: standard deviations from the mean, what is missing filled."""

    mean: NDArray[np.float32]  # [f]
    deviation: NDArray[np.float32]  # [f] > 0
    filler: NDArray[np.float32]  # [f] what stands for a missing value

    def __call__(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32[n, f] within ± 5 for x float32[n, f], NaN where not known."""
        scaled = np.where(np.isfinite(x), x, self.filler)
        scaled -= self.mean
        scaled /= self.deviation
        return np.clip(scaled, -_MOST_DEVIATIONS, _MOST_DEVIATIONS, out=scaled)


def fit_scaling(x: NDArray[np.float32], fill_with_most: NDArray[np.bool_]) -> Scaling:
    """Return the scaling of features float32[n, f], NaN where not known.

    fill_with_most: bool[f], True where a missing value stands for the highest, as with places;
    elsewhere it stands for the mean. A feature that is never known is 0 throughout.
    """
    known = np.isfinite(x)
    count = known.sum(axis=0)
    total = np.where(known, x, 0).sum(axis=0, dtype=np.float64)
    most = np.where(known, x, -np.inf).max(axis=0)
    filler = total / np.maximum(count, 1)
    filler[fill_with_most & (count > 0)] = most[fill_with_most & (count > 0)]
    filler = filler.astype(np.float32)
    filled = np.where(known, x, filler)
    mean, deviation = filled.mean(axis=0, dtype=np.float64), filled.std(axis=0, dtype=np.float64)
    deviation = np.where(deviation > 1e-6, deviation, 1.0)
    return Scaling(mean.astype(np.float32), deviation.astype(np.float32), filler)


def fit_choice(
    x: NDArray[np.float32],
    chosen: NDArray[np.float32],
    sizes: NDArray[np.int64],
    penalty: Doubles,
    *,
    toward: Doubles | float = 0.0,
    never_below: NDArray[np.bool_],
) -> Doubles:
    """Return the weights float64[f] of least loss + ½ Σ penalty · (weight − toward)².

    x: float32[n, f], scaled; chosen: [n] ≥ 0, how often or how surely each was chosen; sizes:
    int64[pools], of sum n; penalty: [f], beside a loss that is a mean over pools; toward: [f], what
    weights are held to; never_below: bool[f], weights that may not be negative.
    """
    starts = np.cumsum(sizes) - sizes
    times = np.add.reduceat(chosen.astype(np.float64), starts)

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        z = (x @ weights.astype(np.float32)).astype(np.float64)
        z -= np.repeat(np.maximum.reduceat(z, starts), sizes)
        odds = np.exp(z)
        total = np.add.reduceat(odds, starts)
        surplus = np.repeat(times / total, sizes) * odds - chosen
        slope = (x.T @ surplus.astype(np.float32)).astype(np.float64) / len(sizes)
        value = float(times @ np.log(total) - chosen @ z) / len(sizes)
        off = weights - toward
        return value + float(penalty @ off**2) / 2, slope + penalty * off

    found = minimize(
        loss,
        np.zeros(x.shape[1]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0 if below else None, None) for below in never_below],
        options={"maxiter": _STEPS},
    )
    return np.asarray(found.x, np.float64)
