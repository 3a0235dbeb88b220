"""Features for rankers: the schema, the values, and the counters as of now."""

from __future__ import annotations

from apps.features.definitions import GROUPS, NAMES, SCHEMA, SCHEMA_HASH, compute
from apps.features.reader import StatsReader, stats

__all__ = ["GROUPS", "NAMES", "SCHEMA", "SCHEMA_HASH", "StatsReader", "compute", "stats"]
