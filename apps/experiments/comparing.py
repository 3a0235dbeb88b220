"""How a difference becomes what is shown of it: intervals and p-values, fixed and always valid."""

from __future__ import annotations

from typing import NamedTuple

from apps.experiments.algorithms import sequential
from apps.experiments.algorithms.difference import Difference
from apps.experiments.conf import ALPHA
from apps.experiments.metrics import Metric
from apps.experiments.types import Comparison


class Sides(NamedTuple):
    """Who is compared, and the metric of each as it was measured, before any adjustment."""

    role: str  # primary, guardrail or secondary
    variant: str  # name of the treatment
    control: float
    treatment: float


def compare(
    found: Difference, metric: Metric, sides: Sides, *, scale: float, alpha: float = ALPHA
) -> Comparison:
    """Return the comparison, with no p-value adjusted and no variance removed.

    scale: τ of the mixture, the difference that matters in units of the metric; at least a
    thousandth of the standard error. alpha: of the always-valid interval, in (0, 1); the one at a
    fixed horizon is of 95 %.
    """
    scale = max(scale, found.error * 1e-3)
    half = sequential.half_width(found.error, scale, alpha)
    low, high = found.interval(ALPHA)
    return Comparison(
        metric=metric.name,
        label=metric.label,
        role=sides.role,
        variant=sides.variant,
        control=sides.control,
        treatment=sides.treatment,
        difference=found.value,
        low=low,
        high=high,
        safe_low=found.value - half,
        safe_high=found.value + half,
        p=found.p_value(),
        p_adjusted=found.p_value(),
        safe_p=sequential.p_value(found.value, found.error, scale),
        variance_ratio=1.0,
        is_good=metric.is_good,
    )
