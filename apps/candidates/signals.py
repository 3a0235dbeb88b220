"""From events to confidences: what fitting and asking have in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates.conf import Signal
from apps.candidates.types import Request
from apps.content.types import Catalog
from apps.core.clock import HOUR_MS
from apps.events.types import EventLog, EventType
from apps.features.history import EVENT_WEIGHT, event_weights

Rows = NDArray[np.int64]
_UNHIDE = int(EventType.UNHIDE)


class Said(NamedTuple):
    """Events about contents, and what each says, as `event_weights` has it."""

    log: EventLog  # of length n
    weight: NDArray[np.float32]  # [n] for (> 0) or against (< 0)
    is_view: NDArray[np.bool_]  # [n]
    is_long: NDArray[np.bool_]  # [n]


class Past(NamedTuple):
    """What a viewer did about contents, in time order."""

    said: Said
    rows: Rows  # [m] contents that were met, each once, by its last event
    place: NDArray[np.int64]  # [n] which of them each event is about


def said(log: EventLog, catalog: Catalog) -> Said:
    """Return what the events of a log about contents say."""
    is_about = log.content >= 0
    log = log if is_about.all() else log.take(is_about)
    return Said(log, *event_weights(log, catalog))


def past_of(request: Request) -> Past:
    """Return the past of the request's viewer, worked out once for all stages."""
    return request.shared("past", _past)


def _past(request: Request) -> Past:
    events = said(request.query.history, request.catalog)
    return Past(events, *by_last(events.log.content))


def by_last(rows: Rows) -> tuple[Rows, NDArray[np.int64]]:
    """Return rows int64[n] each once, by its last place, and which of those each one is, [n]."""
    last_first, index, inverse = np.unique(rows[::-1], return_index=True, return_inverse=True)
    order = np.argsort(-index)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return last_first[order], place[inverse[::-1]]


def consumed(request: Request, signal: Signal) -> tuple[Rows, NDArray[np.float32]]:
    """Return rows int64[h] and confidences float32[h] > 0 of the history, in time order.

    Those of a content that was met several times are one, at the last time.
    """
    return request.shared(("consumed", signal), lambda request: _consumed(request, signal))


def _consumed(request: Request, signal: Signal) -> tuple[Rows, NDArray[np.float32]]:
    past = past_of(request)
    each = confidences(past.said, signal, request.query.at_ms)
    return summed(past.rows, past.place, each, signal)


def summed(
    rows: Rows, place: NDArray[np.int64], weights: NDArray[np.float32], signal: Signal
) -> tuple[Rows, NDArray[np.float32]]:
    """Sum up the weights of each row, at most the signal's; what is not positive is left out."""
    sums = np.bincount(place, weights, len(rows)).astype(np.float32)
    sums = np.minimum(sums, signal.most)
    return rows[sums > 0], sums[sums > 0]


def confidences(events: Said, signal: Signal, now_ms: int) -> NDArray[np.float32]:
    """Return how much each event speaks for (> 0) or against (< 0) its content, float32[n].

    A view counts by whether it was long; every further event adds or takes away, and a hide that
    is taken back gives back what it took. All fade with their age at `now_ms` where the signal has
    a half-life.
    """
    log, weight, is_view, is_long = events
    views = np.where(is_long, signal.long_view, signal.short_view)
    extra = np.where(weight > 0, signal.explicit * weight, weight)
    extra = np.where(log.kind == _UNHIDE, -EVENT_WEIGHT[EventType.HIDE], extra)
    confidence = np.where(is_view, views, extra).astype(np.float32)
    if signal.half_life_hours is None:
        return confidence
    age_hours = np.maximum(now_ms - log.at_ms, 0) / HOUR_MS
    return (confidence * np.exp2(-age_hours / signal.half_life_hours)).astype(np.float32)
