"""Prometheus metrics of the recommendation path; labels are bounded."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

EVENTS = Counter("recsys_events_total", "Events received, by outcome", ["outcome"])
DEGRADED = Counter("recsys_degraded_total", "Feeds served with a stage skipped", ["stage"])
FILTERED = Counter("recsys_filtered_total", "Candidates removed", ["filter"])
CACHE = Counter("recsys_cache_total", "Uses of the optional cache, by outcome", ["outcome"])
FEED_SECONDS = Histogram(
    "recsys_feed_seconds",
    "Time to make one feed page",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
)
