"""From events to confidences: what fitting and asking have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.candidates.conf import Signal
from apps.content.types import Catalog
from apps.core.clock import HOUR_MS
from apps.events.types import EventLog, EventType
from apps.features.history import EVENT_WEIGHT, event_weights


def confidences(
    log: EventLog, catalog: Catalog, signal: Signal, now_ms: int
) -> NDArray[np.float32]:
    """Return how much each event speaks for (> 0) or against (< 0) its content, float32[n].

    A view counts by whether it was long; every further event adds or takes away, and a hide that
    is taken back gives back what it took. All fade with their age at `now_ms` where the signal has
    a half-life.
    """
    weight, is_view, is_long = event_weights(log, catalog)
    views = np.where(is_long, signal.long_view, signal.short_view)
    extra = np.where(weight > 0, signal.explicit * weight, weight)
    extra = np.where(log.kind == EventType.UNHIDE, -EVENT_WEIGHT[EventType.HIDE], extra)
    confidence = np.where(is_view, views, extra).astype(np.float32)
    if signal.half_life_hours is None:
        return confidence
    age_hours = np.maximum(now_ms - log.at_ms, 0) / HOUR_MS
    return (confidence * np.exp2(-age_hours / signal.half_life_hours)).astype(np.float32)


def merge_repeats(
    rows: NDArray[np.int64], weights: NDArray[np.float32], signal: Signal
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Sum the weights of repeated rows at their last place; what is not positive is left out."""
    last_first, index, inverse = np.unique(rows[::-1], return_index=True, return_inverse=True)
    sums = np.bincount(inverse, weights[::-1], minlength=len(last_first)).astype(np.float32)
    order = np.argsort(-index)
    rows, sums = last_first[order], np.minimum(sums[order], signal.most)
    return rows[sums > 0], sums[sums > 0]
