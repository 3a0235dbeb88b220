"""How many planted incidents the alert rules find in 30 days, how soon, and how often for nothing.

Pulses of five minutes as the product keeps them, with day and night, weekdays and weekends, days
and hours that are busier or quieter than others, overdispersion, slow growth, and views that depend
on the hour. Six weeks come first, then 30 days with ten incidents of known start at any hour of the
day. Every bucket is judged as the worker does: by `verdict`, with the rules of the migration.

The rules were chosen on the worlds of the seeds below 1,000; they are judged on others.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

import numpy as np
from numpy.typing import NDArray

from apps.insights.algorithms.detector import WEEKS, Series
from apps.insights.algorithms.rules import Rule, verdict
from apps.insights.watched import PULSES
from benchmarks.common import parser, report

Floats = NDArray[np.float64]

DAY, WEEK, DAYS = 288, 2016, 30
WARM_UP = WEEKS * WEEK
_MINUTES = 5
_LASTS = (12, 36)  # buckets of an incident: one to three hours
_NOTICED = 3  # buckets after its start, later it counts as missed: 15 minutes
_AFTER = 12  # buckets after its end in which an alarm is an echo of it


class Incident(NamedTuple):
    """One planted fault."""

    kind: str
    start: int
    end: int


class World(NamedTuple):
    """Pulses by column, float64[t] each, and what was planted."""

    pulses: dict[str, Floats]
    incidents: list[Incident]


KINDS = ("outage", "drop", "flood", "clicks", "skips", "completes", "reports")


def make_world(rng: np.random.Generator, *, peak: float = 900.0, n_incidents: int = 10) -> World:
    """Return 72 days; `peak` is the mean of views in five minutes of the busiest hours."""
    t = np.arange(WARM_UP + DAYS * DAY)
    hour, weekday = t % DAY / 12, t // DAY % 7
    rhythm = 0.55 + 0.45 * np.sin(2 * np.pi * (hour - 14) / 24)
    rhythm *= np.where(weekday >= 5, 1.25, 1.0)
    busy = np.exp(rng.normal(0, 0.06, len(t) // DAY + 1))[t // DAY]  # a day's own level
    mean = peak * rhythm * busy * np.exp(0.15 * t / len(t)) * np.exp(_drift(len(t), rng))
    rates = {
        "clicks": 0.70 + 0.03 * np.sin(2 * np.pi * (hour - 20) / 24),
        "completes": 0.20 + 0.03 * np.sin(2 * np.pi * (hour - 22) / 24),
        "skips": 0.24 - 0.02 * np.sin(2 * np.pi * (hour - 20) / 24),
        "engagements": np.full(len(t), 0.08),
        "reports": np.full(len(t), 0.0008),
    }
    # Rates wander a little from day to day, too.
    moods = np.exp(rng.normal(0, 0.01, (len(rates), len(t) // DAY + 1)))
    rates = {n: r * moods[i][t // DAY] for i, (n, r) in enumerate(rates.items())}
    incidents = _plant(mean, rates, rng, n_incidents)
    views = rng.poisson(mean * rng.gamma(60, 1 / 60, len(t))).astype(np.float64)
    pulses = {
        name: rng.binomial(views.astype(np.int64), np.clip(r, 0, 1)).astype(np.float64)
        for name, r in rates.items()
    }
    did = np.sum(list(pulses.values()), axis=0)
    watch = views * 9000 * rng.gamma(200, 1 / 200, len(t))
    return World({"views": views, "events": views + did, "watch_ms": watch, **pulses}, incidents)


def _drift(n: int, rng: np.random.Generator) -> Floats:
    """Return a first-order autoregression with a memory of an hour and a deviation of 4 %."""
    memory, noise = np.exp(-1 / 12), rng.normal(0, 1, n)
    out = np.zeros(n)
    for i in range(1, n):
        out[i] = memory * out[i - 1] + noise[i] * np.sqrt(1 - memory**2)
    return 0.04 * out


def _plant(
    mean: Floats, rates: dict[str, Floats], rng: np.random.Generator, n: int
) -> list[Incident]:
    """Change mean and rates in place; incidents lie at least six hours apart."""
    slot = DAYS * DAY // n
    found = []
    for i in range(n):
        start = WARM_UP + i * slot + int(rng.integers(72, slot - 72))
        end = start + int(rng.integers(*_LASTS))
        kind = KINDS[i % len(KINDS)]
        during = slice(start, end)
        if kind == "outage":
            mean[during] = 0
        elif kind == "drop":
            mean[during] *= 0.45
        elif kind == "flood":
            mean[during] *= 2.5
        elif kind == "clicks":
            rates["clicks"][during] *= 0.75
        elif kind == "skips":
            rates["skips"][during] *= 1.6
        elif kind == "completes":
            rates["completes"][during] *= 0.5
        else:
            rates["reports"][during] *= 15
        found.append(Incident(kind, start, end))
    return found


def rules() -> dict[str, tuple[str, Rule]]:
    """Return the installed rules of pulses: name → metric, rule."""
    stored = importlib.import_module("apps.insights.migrations.0002_default_rules").RULES
    return {
        name: (metric, Rule(kind, direction, threshold, relative, volume, ticks))
        for name, metric, kind, direction, threshold, relative, volume, ticks in stored
        if metric in PULSES
    }


def alarms(world: World, metric: str, rule: Rule) -> list[tuple[int, int]]:
    """Return when the rule opened and closed, as buckets; judged bucket by bucket."""
    of = PULSES[metric]
    amount = world.pulses[of.numerator]
    is_count = not of.denominator
    volume = amount if is_count else world.pulses[of.denominator]
    series = Series(amount, volume, is_count, of.is_share and not is_count, WEEK, 6, DAY)
    found, since = [], -1
    for at in range(WARM_UP, len(amount)):
        state = verdict(rule, series, at).state
        if state == "bad" and since < 0:
            since = at
        elif state == "well" and since >= 0:
            found.append((since, at))
            since = -1
    return found + ([(since, len(amount))] if since >= 0 else [])


def measure(seed: int, **world: float) -> dict[str, Any]:
    """Return recall, false alarms and delays of one world."""
    made = make_world(np.random.default_rng(seed), **world)
    opened = sorted(at for metric, rule in rules().values() for at, _ in alarms(made, metric, rule))
    delays, late = [], 0
    for incident in made.incidents:
        # The bucket is over at its end: one more than its number.
        seen = [at + 1 - incident.start for at in opened if incident.start <= at < incident.end]
        delays += [seen[0] * _MINUTES] if seen and seen[0] <= _NOTICED else []
        late += bool(seen) and seen[0] > _NOTICED
    false = [at for at in opened if not any(i.start <= at < i.end + _AFTER for i in made.incidents)]
    return {
        "found": len(delays),
        "late": late,
        "planted": len(made.incidents),
        "false": len(false),
        "delays": delays,
    }


def main() -> None:
    """Measure a few worlds."""
    options = parser(__doc__)
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--first", type=int, default=1000, help="seed of the first world")
    given = options.parse_args()
    runs = [measure(seed) for seed in range(given.first, given.first + given.seeds)]
    planted = sum(run["planted"] for run in runs)
    delays = [delay for run in runs for delay in run["delays"]]
    weeks = DAYS / 7 * len(runs)
    report(
        "alerts: 30 days with 10 incidents, installed rules",
        {
            "recall": sum(run["found"] for run in runs) / planted,
            "found_after_15_min": sum(run["late"] for run in runs),
            "false_alarms_per_week": sum(run["false"] for run in runs) / weeks,
            "median_delay_min": float(np.median(delays)) if delays else float("nan"),
            "longest_delay_min": float(max(delays, default=0)),
            "worlds": len(runs),
        },
        given.json,
    )


if __name__ == "__main__":
    main()
