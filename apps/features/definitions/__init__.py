"""Every feature, defined once, for serving and training alike (spec §3.1–3.3)."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from apps.features.definitions import affinity, context, crosses, viewer
from apps.features.definitions import content as of_content
from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.view import View

GROUPS: tuple[FeatureGroup, ...] = (
    of_content.POPULARITY,
    of_content.CONTENT_RATES,
    of_content.CREATOR_RATES,
    of_content.SOUND_RATES,
    of_content.CATEGORY_RATES,
    of_content.TAG_RATES,
    of_content.TRAITS,
    viewer.BEHAVIOR,
    viewer.ENGAGEMENT,
    viewer.SESSIONS,
    context.CONTEXT,
    context.TIME_OF_DAY,
    affinity.CREATOR,
    affinity.SOUND,
    affinity.CATEGORY,
    affinity.TAG,
    crosses.FIT,
    crosses.CROSSES,
)
SCHEMA: tuple[Feature, ...] = tuple(f for group in GROUPS for f in group.features)
NAMES: tuple[str, ...] = tuple(f.name for f in SCHEMA)
# Of all that a feature declares: who changes what it means, changes its description.
SCHEMA_HASH = hashlib.sha256("\n".join(map(repr, SCHEMA)).encode()).hexdigest()[:16]


def compute(view: View, groups: tuple[FeatureGroup, ...] = GROUPS) -> NDArray[np.float32]:
    """Return float32[n, len(SCHEMA)]: one row a pair of the view, NaN where unknown."""
    found = np.empty((len(view), sum(len(group.features) for group in groups)), np.float32)
    start = 0
    for group in groups if len(view) else ():
        end = start + len(group.features)
        found[:, start:end] = group.value(view)
        start = end
    return found
