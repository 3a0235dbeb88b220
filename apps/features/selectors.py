"""Features for rankers: the schema, the values, and the counters as of now."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from apps.features.definitions import affinity, viewer
from apps.features.definitions import content as of_content
from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.reader import StatsReader, stats
from apps.features.view import View

__all__ = ["GROUPS", "NAMES", "SCHEMA", "SCHEMA_HASH", "StatsReader", "compute", "stats"]

GROUPS: tuple[FeatureGroup, ...] = (
    of_content.POPULARITY,
    of_content.CONTENT_RATES,
    of_content.CREATOR_RATES,
    of_content.SOUND_RATES,
    of_content.CATEGORY_RATES,
    of_content.TRAITS,
    viewer.BEHAVIOR,
    viewer.CONTEXT,
    affinity.CREATOR_AFFINITY,
    affinity.SOUND_AFFINITY,
    affinity.CATEGORY_AFFINITY,
    affinity.FIT,
)
SCHEMA: tuple[Feature, ...] = tuple(f for group in GROUPS for f in group.features)
NAMES: tuple[str, ...] = tuple(f.name for f in SCHEMA)
SCHEMA_HASH = hashlib.sha256("\n".join(NAMES).encode()).hexdigest()[:16]


def compute(view: View) -> NDArray[np.float32]:
    """Return float32[n, len(SCHEMA)]: one row a pair of the view, NaN where unknown."""
    return np.concatenate([group.value(view) for group in GROUPS], axis=1, dtype=np.float32)
