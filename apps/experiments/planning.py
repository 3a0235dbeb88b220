"""What the log says before an experiment: the metric's mean and spread, and who comes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from apps.events import selectors as events
from apps.experiments.algorithms import power
from apps.experiments.algorithms.ratio import linearized
from apps.experiments.conf import BASELINE_MS, BASELINE_VIEWERS
from apps.experiments.measures import totals
from apps.experiments.metrics import METRICS


class Plan(NamedTuple):
    """What an experiment would need."""

    mean: float
    deviation: float
    correlation: float  # between the two weeks that were looked at
    viewers: int  # needed, control and treatment together
    viewers_cuped: int  # needed with CUPED
    per_day: float  # new viewers a day that would be in
    days: int | None
    days_cuped: int | None


def plan(
    metric_name: str, *, effect: float, traffic: float, target_power: float, now_ms: int
) -> Plan | None:
    """Plan an experiment of two equal halves from the last four weeks; None where all is still.

    A sample of the latest active viewers is measured over two weeks, with the two before as what
    CUPED knows. Viewers are taken to come into it evenly, as many a day as different ones came
    a day in that time.
    """
    since_ms = now_ms - BASELINE_MS
    viewers = events.active_viewers(since_ms=since_ms, until_ms=now_ms, most=BASELINE_VIEWERS)
    if len(viewers.sample) < 2:
        return None
    found = totals(viewers.sample, np.full(len(viewers.sample), since_ms), until_ms=now_ms)
    metric = METRICS[metric_name]
    y, x = found.since[metric.numerator], found.before[metric.numerator]
    if metric.denominator:
        y = linearized(y, found.since[metric.denominator])
        x = linearized(x, found.before[metric.denominator])
    mean, deviation = float(y.mean()), float(y.std(ddof=1))
    if mean <= 0 or deviation <= 0:
        return None
    correlation = float(np.corrcoef(x, y)[0, 1]) if x.std() > 0 else 0.0
    plain = power.Design(mean, deviation, effect, power=target_power)
    adjusted = power.Design(mean, deviation, effect, correlation=correlation, power=target_power)
    per_day = viewers.n * traffic / viewers.days
    needed, needed_cuped = power.viewers_needed(plain), power.viewers_needed(adjusted)
    return Plan(
        mean,
        deviation,
        correlation,
        needed,
        needed_cuped,
        per_day,
        power.days_needed(needed, per_day),
        power.days_needed(needed_cuped, per_day),
    )
