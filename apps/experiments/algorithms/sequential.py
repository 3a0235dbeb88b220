"""Always-valid intervals: right at every look at once, however often one looks (§11.2).

The mixture sequential probability ratio test (Johari, Koomen, Pekelis & Walsh 2017/2022; Robbins
1970). Against no difference stands a mixture of differences ~ N(0, τ²). With V the squared
standard error of the difference d, the likelihood ratio is

    Λ_τ = √(V/(V + τ²)) · exp( τ² d² / (2 V (V + τ²)) ),

under no difference a martingale of mean 1, and so is a mean of several: Λ = ½ Λ_τ + ½ Λ_8τ. Then
P(Λ ever ≥ 1/α) ≤ α (Ville). The first half finds what one looks for, the second finds a large harm
early, while V is still well above τ²; each costs the other ln 2. The interval holds every
difference d₀ that Λ(d − d₀) does not exclude. From it for one τ:

    half width = √( V (V + τ²)/τ² · (2 ln(1/α) + ln((V + τ²)/V)) ).

Means of at least about a hundred viewers a variant are normal enough for that.
"""

from __future__ import annotations

import math

from scipy.optimize import brentq

_MULTIPLES = (1.0, 8.0)  # of τ


def half_width(error: float, scale: float, alpha: float) -> float:
    """Return half the width of the always-valid 1 − alpha interval.

    error: standard error of the difference, > 0. scale: τ > 0, the smallest difference that one
    looks for, chosen before the start. 0 < alpha < 1.
    """
    # Half of the mixture at twice the evidence is evidence enough.
    most = min(_of_one(error, m * scale, alpha / len(_MULTIPLES)) for m in _MULTIPLES)
    target = -math.log(alpha)
    return float(brentq(lambda d: _log_ratio(d, error, scale) - target, 0.0, most * (1 + 1e-9)))


def p_value(value: float, error: float, scale: float) -> float:
    """Return the always-valid p-value min(1, 1/Λ) of a difference `value`."""
    return min(1.0, math.exp(-min(_log_ratio(value, error, scale), 700.0)))


def _log_ratio(value: float, error: float, scale: float) -> float:
    """Return ln Λ."""
    v = error * error
    logs = []
    for multiple in _MULTIPLES:
        tau = (multiple * scale) ** 2
        logs.append(tau * value * value / (2 * v * (v + tau)) - 0.5 * math.log((v + tau) / v))
    top = max(logs)
    return top + math.log(sum(math.exp(log - top) for log in logs) / len(logs))


def _of_one(error: float, tau: float, alpha: float) -> float:
    v, tau = error * error, tau * tau
    return math.sqrt(v * (v + tau) / tau * (2 * math.log(1 / alpha) + math.log((v + tau) / v)))
