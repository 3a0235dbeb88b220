"""Prometheus metrics of the recommendation path; labels are bounded."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter("recsys_events_total", "Events received, by outcome", ["outcome"])
CLEANED = Counter("recsys_cleaned_events_total", "Corrections of events", ["correction"])
QUARANTINED = Counter(
    "recsys_quarantined_events_total", "Events that did not enter the log, by reason", ["reason"]
)
QUARANTINE_DROPPED = Counter(
    "recsys_quarantine_dropped_total", "Refused events past the daily limit, by reason", ["reason"]
)
DEGRADED = Counter("recsys_degraded_total", "Feeds served with a stage skipped", ["stage"])
FILTERED = Counter("recsys_filtered_total", "Candidates removed", ["filter"])
EXPLORED = Counter("recsys_explored_total", "Slots that explored, by what they try", ["kind"])
EXPOSURE = Counter(
    "recsys_exposure_total", "Pages' attention by group of creators; a page adds 1", ["group"]
)
EXPOSURE_LOST = Counter(
    "recsys_exposure_lost_total", "Share of pages' score given up for exposure, at most"
)
INDEX_RECALL = Gauge("recsys_index_recall", "Share of the exact nearest that the index finds")
CACHE = Counter("recsys_cache_total", "Uses of the optional cache, by outcome", ["outcome"])
WEBHOOKS = Counter("recsys_webhooks_total", "Attempts to deliver webhooks, by outcome", ["outcome"])
FEED_SECONDS = Histogram(
    "recsys_feed_seconds",
    "Time to make one feed page",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1),
)
