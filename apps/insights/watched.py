"""What alert rules may watch: pulses of five minutes, samples of the system, KPIs by day."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apps.core.clock import DAY_MS
from apps.insights import health, selectors
from apps.insights.algorithms.detector import WEEKS, Series
from apps.insights.conf import BUCKET_MS
from apps.insights.days import day_of
from apps.insights.kpis import KPIS
from apps.insights.models import Pulse, Sample

_DAY = DAY_MS // BUCKET_MS  # buckets
_WEEK = 7 * _DAY
_AROUND = 6  # buckets before and after: an hour
_BUCKETS = (WEEKS * 7 + 1) * _DAY + _AROUND  # that are read
_SETTLED_MS = 60_000  # after its end a bucket is judged: events come late
_DAYS = WEEKS * 7 + 3


@dataclass(frozen=True, slots=True)
class PulseMetric:
    """A count of five minutes, or the ratio of two."""

    name: str
    label: str
    numerator: str
    denominator: str = ""  # empty: the count itself
    is_share: bool = True


PULSES = {
    metric.name: metric
    for metric in (
        PulseMetric("events_5m", "Events in five minutes", "events"),
        PulseMetric("views_5m", "Views in five minutes", "views"),
        PulseMetric("ctr_5m", "Click-through rate of five minutes", "clicks", "views"),
        PulseMetric("completion_5m", "Completion rate of five minutes", "completes", "views"),
        PulseMetric("skip_rate_5m", "Skip rate of five minutes", "skips", "views"),
        PulseMetric("engagement_5m", "Engagements per view", "engagements", "views"),
        PulseMetric("report_rate_5m", "Reports per view", "reports", "views"),
        PulseMetric("watch_ms_5m", "Milliseconds watched per view", "watch_ms", "views", False),
    )
}
SAMPLES: dict[str, tuple[str, Callable[[], float | None]]] = {
    "consumer_lag_seconds": ("Lag of the slowest consumer, seconds", health.lag_seconds),
    "quarantine_size": ("Events in the quarantine", health.quarantine_size),
    "bundle_age_hours": ("Age of the model that serves, hours", health.bundle_age_hours),
}
METRIC_CHOICES = [
    ("Five minutes", [(m.name, m.label) for m in PULSES.values()]),
    ("System", [(name, label) for name, (label, _) in SAMPLES.items()]),
    ("KPIs by day", [(kpi.name, kpi.label) for kpi in KPIS.values()]),
]
LABELS = {name: label for _, metrics in METRIC_CHOICES for name, label in metrics}
_PULSE_COLUMNS = tuple(f.name for f in Pulse._meta.fields if f.name not in {"id", "bucket_ms"})


def sample(now_ms: int) -> None:
    """Store what the system's metrics are now, under the five minutes that now is in."""
    bucket_ms = now_ms // BUCKET_MS * BUCKET_MS
    found = {name: read() for name, (_, read) in SAMPLES.items()}
    Sample.objects.bulk_create(
        [
            Sample(metric=name, bucket_ms=bucket_ms, value=value)
            for name, value in found.items()
            if value is not None
        ],
        update_conflicts=True,
        unique_fields=["metric", "bucket_ms"],
        update_fields=["value"],
    )


@dataclass
class Reader:
    """The series as of one moment; what rules share is read once."""

    now_ms: int
    _pulses: NDArray[np.float64] | None = field(default=None, init=False)
    _samples: dict[str, NDArray[np.float64]] = field(default_factory=dict, init=False)
    _totals: dict[int, dict[str, float]] | None = field(default=None, init=False)

    @property
    def end_ms(self) -> int:
        """The end of the last bucket that is settled."""
        return (self.now_ms - _SETTLED_MS) // BUCKET_MS * BUCKET_MS

    def series(self, metric: str) -> Series | None:
        """Return a metric up to the last step that is over; None for one that does not exist."""
        if metric in PULSES:
            return self._pulse(PULSES[metric])
        if metric in SAMPLES:
            return self._sample(metric)
        return self._kpi(metric) if metric in KPIS else None

    def _pulse(self, metric: PulseMetric) -> Series:
        pulses = self._read_pulses()
        amount = pulses[_PULSE_COLUMNS.index(metric.numerator)]
        is_count = not metric.denominator
        volume = amount if is_count else pulses[_PULSE_COLUMNS.index(metric.denominator)]
        return Series(
            amount, volume, is_count, metric.is_share and not is_count, _WEEK, _AROUND, _DAY
        )

    def _read_pulses(self) -> NDArray[np.float64]:
        """Return float64[columns, t]; what was before the first bucket is left out."""
        if self._pulses is None:
            start_ms = self.end_ms - _BUCKETS * BUCKET_MS
            found = Pulse.objects.filter(bucket_ms__gte=start_ms, bucket_ms__lt=self.end_ms)
            rows = list(found.order_by("bucket_ms").values_list("bucket_ms", *_PULSE_COLUMNS))
            self._pulses = self._dense(rows, len(_PULSE_COLUMNS), 0.0)
        return self._pulses

    def _sample(self, metric: str) -> Series:
        if metric not in self._samples:
            start_ms = self.end_ms - _BUCKETS * BUCKET_MS
            found = Sample.objects.filter(
                metric=metric, bucket_ms__gte=start_ms, bucket_ms__lt=self.end_ms
            )
            rows = list(found.order_by("bucket_ms").values_list("bucket_ms", "value"))
            self._samples[metric] = self._dense(rows, 1, math.nan)[0]
        value = self._samples[metric]
        volume = np.isfinite(value).astype(np.float64)
        return Series(np.nan_to_num(value), volume, False, False, _WEEK, _AROUND, _DAY)

    def _dense(
        self, rows: Sequence[tuple[float, ...]], n_columns: int, empty: float
    ) -> NDArray[np.float64]:
        """Return float64[columns, t] from the first row's bucket to the last one that is over."""
        first_ms = rows[0][0] if rows else self.end_ms
        dense = np.full((n_columns, int(self.end_ms - first_ms) // BUCKET_MS), empty)
        table = np.array(rows, np.float64).reshape(-1, n_columns + 1)
        at = ((table[:, 0] - first_ms) // BUCKET_MS).astype(np.int64)
        dense[:, at] = table[:, 1:].T
        return dense

    def _kpi(self, name: str) -> Series:
        kpi = KPIS[name]
        last = day_of(self.now_ms) - kpi.waits_days - 1
        first = last - _DAYS + 1
        if self._totals is None:
            widest = max(k.waits_days for k in KPIS.values())
            self._totals = selectors.day_totals(first - widest, day_of(self.now_ms))
        values = [kpi.formula(self._totals.get(d, {})) for d in range(first, last + 1)]
        value = np.array([math.nan if v is None else v for v in values])
        known = np.isfinite(value)
        # Not a count: days before the log began are unknown, not empty.
        return Series(np.nan_to_num(value), known.astype(np.float64), False, False, 7, 0, 1)
