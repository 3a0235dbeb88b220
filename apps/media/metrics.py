"""Prometheus metrics of media; labels are bounded."""

from __future__ import annotations

from prometheus_client import Counter

ANALYZED = Counter(
    "recsys_media_analyses_total", "Attempts to analyze media, by outcome", ["kind", "outcome"]
)
HEARD = Counter("recsys_sounds_heard_total", "Sounds of files, new or heard before", ["outcome"])
