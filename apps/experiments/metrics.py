"""What an experiment may be judged by: per viewer, from the first exposure on."""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """One metric: the mean of a total per viewer, or the ratio of two totals."""

    name: str
    label: str
    numerator: str  # column of `measures.Totals`
    denominator: str = ""  # empty: per viewer
    is_good: bool = True  # more is better


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("watch_seconds", "Watch seconds per viewer", "watch_seconds"),
        Metric("views", "Views per viewer", "views"),
        Metric("active_days", "Active days per viewer", "active_days"),
        Metric("returned", "Share that came back on a later day", "returned"),
        Metric("long_view_rate", "Long views per view", "long_views", "views"),
        Metric("likes", "Likes per viewer", "likes"),
        Metric("skip_rate", "Skips per view", "skips", "views", is_good=False),
        Metric("report_rate", "Reports per view", "reports", "views", is_good=False),
        Metric("hide_rate", "Hides per view", "hides", "views", is_good=False),
    )
}
METRIC_CHOICES = [(metric.name, metric.label) for metric in METRICS.values()]
DEFAULT_GUARDRAILS = ["active_days", "skip_rate", "report_rate"]
