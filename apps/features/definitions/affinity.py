"""How the viewer's past meets the content: its creator, sound, category, length, language."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.view import View

_PRIOR = 3.0


def _affinity(entity: str) -> FeatureGroup:
    def value(view: View) -> NDArray[np.float32]:
        column: NDArray[np.int64] = getattr(view.catalog, entity)
        sums = view.history_sums(column)
        views, long_views, positive, negative, recent, last = sums.T
        h = view.history
        own_rate = (h.is_long.sum(1) + 1.75) / (h.is_view.sum(1) + 5)
        rate = (long_views + _PRIOR * view.of_pairs(own_rate)) / (views + _PRIOR)
        share = views / (view.of_pairs(h.is_view.sum(1)) + 5)
        return np.stack([share, rate, np.log1p(positive), np.log1p(negative), recent, last], axis=1)

    features = (
        Feature(f"{entity}_share", f"share of the viewer's views that went to this {entity}"),
        Feature(f"{entity}_long_rate", f"the viewer's long-view rate of this {entity}, smoothed"),
        Feature(f"{entity}_positive", f"log(1 + weight of what the viewer did for this {entity})"),
        Feature(f"{entity}_negative", "log(1 + weight of what the viewer did against it)"),
        Feature(f"{entity}_recent", "signed weight, half-life one day"),
        Feature(f"{entity}_last", "1/(1 + hours since the last event about it), 0 for never"),
    )
    return FeatureGroup(f"affinity_{entity}", features, value)


CREATOR_AFFINITY = _affinity("creator")
SOUND_AFFINITY = _affinity("sound")
CATEGORY_AFFINITY = _affinity("category")


def _fit(view: View) -> NDArray[np.float32]:
    catalog, h = view.catalog, view.history
    log_duration = np.append(_log_duration(catalog), np.float32(0))
    liked = np.maximum(h.weight, 0)
    weight = liked.sum(1)
    mean = (liked * log_duration[h.content]).sum(1) / np.maximum(weight, 1e-6)
    distance = np.abs(log_duration[view.rows] - view.of_pairs(mean))
    distance = np.where(view.of_pairs(weight) > 0, distance, np.nan)
    language = catalog.language[view.rows]
    asked = view.of_pairs(view.language)
    same = np.where((language < 0) | (asked < 0), np.nan, language == asked)
    return np.stack([distance, same], axis=1).astype(np.float32)


def _log_duration(catalog: Catalog) -> NDArray[np.float32]:
    return np.log1p(np.nan_to_num(catalog.duration_seconds, nan=15.0))


FIT = FeatureGroup(
    "fit",
    (
        Feature("duration_distance", "|log length − mean log length of what the viewer liked|"),
        Feature("same_language", "1 if content and viewer have one language; missing if unknown"),
    ),
    _fit,
)
