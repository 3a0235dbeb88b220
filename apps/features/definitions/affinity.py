"""How the viewer's past meets the content: its creator, sound, category and tags (spec §3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.definitions.viewer import MOST_ENGAGED, long_rate, signed_log
from apps.features.history import HISTORY_SLOTS, Summed
from apps.features.stats import CATEGORIZED, EVER, Counted
from apps.features.view import ENTITIES, HALF_LIVES_HOURS, Past, View

Floats = NDArray[np.float32]

_PRIOR = 3.0  # κ of the long-view rate, in views
_PRIOR_ENGAGEMENT = 2.0  # κ of the engagement share, in long views
_RECENT = slice(Past.RECENT_1H, Past.RECENT_30D + 1)
_SEQUENCE = (Past.LAST_1, Past.LAST_5, Past.LAST_10)
_LOG_SLOTS = float(np.log1p(HISTORY_SLOTS)) + 1e-3


def _affinity(entity: str, *, negative: bool, fatigue: bool, sequence: bool) -> FeatureGroup:
    index = ENTITIES.index(entity)

    def value(view: View) -> Floats:
        sums, last = view.shared[0][:, index], view.shared[1][:, index]
        views = sums[:, Past.VIEWS]
        rate = (sums[:, Past.LONG_VIEWS] + _PRIOR * long_rate(view)) / (views + _PRIOR)
        columns = [_share(view, entity, sums), rate, last, *signed_log(sums[:, _RECENT]).T]
        if negative:
            columns.append(np.log1p(sums[:, Past.NEGATIVE]))
        if fatigue:
            columns += [np.log1p(sums[:, Past.SESSION]), np.log1p(sums[:, Past.TODAY])]
        if sequence:
            columns += [sums[:, p] / size for p, size in zip(_SEQUENCE, (1, 5, 10), strict=True)]
        return np.stack(columns, axis=1)

    features = [
        Feature(
            f"{entity}_share",
            f"share of the viewer's engagement that went to this {entity}, smoothed",
            0,
            1,
            np.nan if entity == "category" else 0.0,
            may_miss=entity == "category",
        ),
        Feature(f"{entity}_long_rate", f"the viewer's long-view rate of this {entity}", 0, 1, 0.35),
        Feature(f"{entity}_last", "1/(1 + hours since the last event about it), 0 never", 0, 1),
        *(
            Feature(
                f"{entity}_recent_{hours}h",
                f"signed log(1 + |Σ e·exp(−λΔt)|), events about this {entity}, half-life {hours} h",
                -MOST_ENGAGED,
                MOST_ENGAGED,
            )
            for hours in HALF_LIVES_HOURS
        ),
    ]
    if negative:
        doc = "log(1 + weight of what the viewer did against it)"
        features.append(Feature(f"{entity}_negative", doc, 0, 6))
    if fatigue:
        features += [
            Feature(f"{entity}_session", "log(1 + its views in this session)", 0, _LOG_SLOTS),
            Feature(f"{entity}_today", "log(1 + its views in the last 24 h)", 0, _LOG_SLOTS),
        ]
    if sequence:
        features += [
            Feature(f"{entity}_was_last", "1 if the last view was about it", 0, 1, kind="flag"),
            Feature(f"{entity}_of_last_5", "its share of the last 5 views", 0, 1),
            Feature(f"{entity}_of_last_10", "its share of the last 10 views", 0, 1),
        ]
    return FeatureGroup(
        f"affinity_{entity}",
        tuple(features),
        value,
        "counters" if entity == "category" else "request",
    )


def _share(view: View, entity: str, sums: Floats) -> Floats:
    """Return (n_e + κ·p_e) / (n + κ): n_e of the viewer's engagement went to the entity."""
    engaged = view.history.sums[:, Summed.POSITIVE]
    if entity != "category":  # so many creators, sounds and tags: each p_e is next to 0
        return np.asarray(sums[:, Past.POSITIVE] / (engaged + _PRIOR_ENGAGEMENT))
    return category_share(view, sums[:, Past.POSITIVE])


def category_share(view: View, engaged_here: Floats) -> Floats:
    """Return the smoothed share of one category, float32[n]; over all categories they add up to 1.

    Events without a category do not count, contents without one have no share (NaN). p_c is the
    category's share of all long views; before there is any, shares are not smoothed.
    """
    everywhere = view.totals[:, CATEGORIZED, Counted.LONG_VIEW, EVER]
    here = view.counts["category"][:, Counted.LONG_VIEW, EVER]
    prior = np.where(everywhere > 0, here / np.maximum(everywhere, 1e-6), 0)
    weight = np.where(everywhere > 0, _PRIOR_ENGAGEMENT, 0)
    engaged = view.history.sums[:, Summed.CATEGORIZED]
    share = (engaged_here + weight * prior) / np.maximum(engaged + weight, 1e-6)
    return np.where(view.facts.category >= 0, share, np.nan).astype(np.float32)


CREATOR = _affinity("creator", negative=True, fatigue=True, sequence=True)
SOUND = _affinity("sound", negative=False, fatigue=True, sequence=False)
CATEGORY = _affinity("category", negative=True, fatigue=True, sequence=True)
TAG = _affinity("tag", negative=False, fatigue=False, sequence=False)
