"""Updates as whole numbers with noise that is exact in a sum (Agarwal et al., NeurIPS 2021).

The difference of two Poisson variables of mean μ/2 is Skellam noise of variance μ, and the sum of
such is such again: every device adds its part, nobody ever holds the sum without it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.federation.algorithms.masks import Ring

ORDERS = np.arange(2, 257)  # α of the Rényi divergences that are kept
_ROOM = 2.0**30  # of 2³¹; the rest is for noise beyond ten deviations
_DEVIATIONS = 10.0


def fitting_scale(*, clip: float, noise: float, least: int, most: int) -> float:
    """Return how many units 1.0 is worth, so that no sum of up to `most` devices wraps around.

    noise: deviation of the noise of `least` devices' sum, in clips.
    """
    return float(_ROOM / (clip * (most + _DEVIATIONS * noise * np.sqrt(most / least))))


def encode(
    update: NDArray[np.float64], *, scale: float, variance: float, rng: np.random.Generator
) -> Ring:
    """Return uint32[d], the update in units of 1/scale, rounded, plus noise of this variance."""
    units = np.rint(update * scale).astype(np.int64)
    units += rng.poisson(variance / 2, len(units)) - rng.poisson(variance / 2, len(units))
    return units.astype(np.uint32)


def decode(total: Ring, *, scale: float) -> NDArray[np.float64]:
    """Return float64[d], the sum that `encode` wrote, noise included."""
    return total.astype(np.int32) / scale


def privacy_loss(*, clip: float, scale: float, noise: float, n_values: int) -> NDArray[np.float64]:
    """Return float64[ORDERS]: the Rényi divergence at most between sums with and without a device.

    ε(α) = α Δ₂²/2μ + min((2α − 1)Δ₂² + 6Δ₁)/4μ², 3Δ₁/2μ), where μ = (noise · clip · scale)², Δ₂ is
    the longest update after rounding and Δ₁ ≤ min(√d Δ₂, Δ₂²) its length by sum. The first term is
    the Gaussian's; the second vanishes with a growing scale.
    """
    variance = (noise * clip * scale) ** 2
    longest = clip * scale + np.sqrt(n_values) / 2
    by_sum = min(np.sqrt(n_values) * longest, longest**2)
    gaussian = ORDERS * longest**2 / (2 * variance)
    beyond = ((2 * ORDERS - 1) * longest**2 + 6 * by_sum) / (4 * variance**2)
    return np.asarray(gaussian + np.minimum(beyond, 3 * by_sum / (2 * variance)))


def epsilon(loss: NDArray[np.float64], delta: float) -> float:
    """Return ε at δ of losses float64[ORDERS], which add up over rounds; 0 of none.

    min over α of ε(α) + ln(1 − 1/α) − ln(δα)/(α − 1) (Canonne, Kamath, Steinke 2020, prop. 12).
    """
    if not loss.any():
        return 0.0
    bounds = loss + np.log1p(-1 / ORDERS) - np.log(delta * ORDERS) / (ORDERS - 1)
    return max(float(bounds.min()), 0.0)
