"""How many viewers and days an experiment needs (§11.2).

n = (1/r_c + 1/r_t)·(z_{1−α/2} + z_{power})²·σ²·(1 − ρ²) / δ² viewers in all, for shares r_c and r_t
of control and treatment, a difference δ, and CUPED with correlation ρ. Two equal halves: 4·(…).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special


@dataclass(frozen=True, slots=True)
class Design:
    """What one wants to find, in what."""

    mean: float  # of the metric, > 0
    deviation: float  # of the metric between viewers, > 0
    effect: float  # relative to the mean, to be found; 0.02 is 2 %
    share: float = 0.5  # of the treatment among the viewers in the experiment, 0–1
    correlation: float = 0.0  # ρ with the time before, −1…1; 0 is no CUPED
    alpha: float = 0.05
    power: float = 0.8


def viewers_needed(design: Design) -> int:
    """Return the number of viewers, control and treatment together, at a fixed horizon."""
    z = special.ndtri(1 - design.alpha / 2) + special.ndtri(design.power)
    variance = design.deviation**2 * (1 - design.correlation**2)
    parts = 1 / design.share + 1 / (1 - design.share)
    return math.ceil(parts * z**2 * variance / (design.effect * design.mean) ** 2)


def power_at(design: Design, n: int) -> float:
    """Return the chance to find the effect with n viewers at a fixed horizon."""
    variance = design.deviation**2 * (1 - design.correlation**2)
    error = math.sqrt(variance / n * (1 / design.share + 1 / (1 - design.share)))
    z = abs(design.effect * design.mean) / error
    limit = special.ndtri(1 - design.alpha / 2)
    return float(special.ndtr(z - limit) + special.ndtr(-limit - z))


def days_needed(viewers: int, viewers_per_day: float) -> int | None:
    """Return the days until `viewers` new ones have come; None where nobody comes."""
    return math.ceil(viewers / viewers_per_day) if viewers_per_day > 0 else None
