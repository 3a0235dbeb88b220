"""Features for rankers: the schema, the values, the counters and the trends as of now."""

from __future__ import annotations

from apps.features.definitions import GROUPS, NAMES, SCHEMA, SCHEMA_HASH, compute
from apps.features.reader import StatsReader, stats
from apps.features.trends.selectors import Trends, trends

__all__ = [
    "GROUPS",
    "NAMES",
    "SCHEMA",
    "SCHEMA_HASH",
    "StatsReader",
    "Trends",
    "compute",
    "stats",
    "trends",
]
