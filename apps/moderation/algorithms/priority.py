"""Which case comes first: severity × reach × reports × age (spec §10.2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

_AGE_HOURS = 12.0  # after which a case counts twice
_BURST_MS = 600_000  # reports of ten minutes are one burst
_GROWN_DAYS = 7.0  # from this age on an account counts in full
_NEW_ACCOUNT = 0.1  # what one of no age counts


def reporter_weight(*, upheld: int, rejected: int, account_days: float) -> float:
    """Return what the report of one viewer weighs, in (0, 1).

    (1 + upheld) / (2 + upheld + rejected), the mean of a Beta(1, 1) after what became of their
    earlier reports, times min(1, max(0.1, account_days / 7)). Counts ≥ 0.
    """
    share = (1 + upheld) / (2 + upheld + rejected)
    return share * min(1.0, max(_NEW_ACCOUNT, account_days / _GROWN_DAYS))


def reports_weight(at_ms: Sequence[int], weights: Sequence[float]) -> float:
    """Return what all reports of one content weigh together, ≥ 0.

    Σ over bursts of min(Σw, log₂(1 + Σw)), a burst being the reports of ten minutes on from its
    first: a hundred that come at once weigh like seven that come on their own (brigading). Any
    order; O(n log n).
    """
    total, burst, started = 0.0, 0.0, -math.inf
    for moment, weight in sorted(zip(at_ms, weights, strict=True)):
        if moment - started >= _BURST_MS:
            total += _damped(burst)
            burst, started = 0.0, float(moment)
        burst += weight
    return total + _damped(burst)


def _damped(weight: float) -> float:
    return min(weight, math.log2(1 + weight))


def priority(*, severity: float, reach: int, weight: float) -> float:
    """Return the priority of a case of no age, ≥ 0.

    severity · (1 + log₁₀(1 + reach)) · (1 + weight), with severity 0–1, reach ≥ 0 in views, weight
    of `reports_weight`.
    """
    return severity * (1 + math.log10(1 + reach)) * (1 + weight)


def aged(base: float, age_ms: float) -> float:
    """Return the priority at an age: base · (1 + age / 12 h); the queue sorts by it."""
    return base * (1 + age_ms / AGE_MS)


AGE_MS = _AGE_HOURS * 3_600_000
