"""The difference of two means with its standard error and its interval at a fixed horizon (§11.2).

Δ = ȳ_t − ȳ_c, SE² = s_t²/n_t + s_c²/n_c (Welch 1947). Valid for one look at a time fixed before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from apps.experiments.algorithms.ratio import Floats


class Difference(NamedTuple):
    """Treatment minus control."""

    value: float
    error: float  # standard error, > 0
    freedom: float  # Welch's degrees of freedom

    def interval(self, alpha: float) -> tuple[float, float]:
        """Return the bounds of the 1 − alpha interval."""
        half = float(special.stdtrit(self.freedom, 1 - alpha / 2)) * self.error
        return self.value - half, self.value + half

    def p_value(self) -> float:
        """Return the two-sided p-value of no difference."""
        return float(2 * special.stdtr(self.freedom, -abs(self.value) / self.error))


def difference(control: Floats, treatment: Floats) -> Difference | None:
    """Compare float64[n_c] and float64[n_t]; None with fewer than two viewers or no variance."""
    if min(len(control), len(treatment)) < 2:
        return None
    a, b = control.var(ddof=1) / len(control), treatment.var(ddof=1) / len(treatment)
    return _of(float(treatment.mean() - control.mean()), float(a), float(b), control, treatment)


def mean_of(values: Floats) -> Difference | None:
    """Compare the mean of float64[n] with 0; None with fewer than two values or no variance."""
    if len(values) < 2 or not (error := float(np.sqrt(values.var(ddof=1) / len(values)))):
        return None
    return Difference(float(values.mean()), error, len(values) - 1)


def _of(value: float, a: float, b: float, control: Floats, treatment: Floats) -> Difference | None:
    if not a + b:
        return None
    freedom = (a + b) ** 2 / (a * a / (len(control) - 1) + b * b / (len(treatment) - 1))
    return Difference(value, float(np.sqrt(a + b)), float(freedom))
