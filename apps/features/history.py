"""Histories of viewers as padded blocks, cut at the moment of each query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import EventLog, EventType, is_long_view

HISTORY_SLOTS = 100  # latest events of a viewer that features see

# How much an event says for (or against) its content, its creator and its kind (spec §3.1: e_i).
# A view's own weight is given by whether it was long.
EVENT_WEIGHT = {
    EventType.COMPLETE_VIEW: 0.5,
    EventType.REPLAY: 1.0,
    EventType.LIKE: 1.0,
    EventType.UNLIKE: -1.0,
    EventType.COMMENT: 1.0,
    EventType.SHARE: 1.5,
    EventType.SAVE: 1.5,
    EventType.FOLLOW: 1.5,
    EventType.SKIP: -0.5,
    EventType.HIDE: -3.0,
    EventType.REPORT: -3.0,
}
_WEIGHT = np.zeros(max(EventType) + 1, np.float32)
for _type, _weight in EVENT_WEIGHT.items():
    _WEIGHT[_type] = _weight
_SHORT_VIEW_WEIGHT = -0.15
_TIME_BITS = 43


@dataclass(frozen=True, slots=True)
class History:
    """The latest events of m viewers, newest first; empty slots have content −1 and weight 0."""

    content: NDArray[np.int64]  # [m, h] catalog rows
    hours_ago: NDArray[np.float32]  # [m, h] ≥ 0
    weight: NDArray[np.float32]  # [m, h] for (> 0) or against (< 0)
    is_view: NDArray[np.float32]  # [m, h] 1 for a view
    is_long: NDArray[np.float32]  # [m, h] 1 for a long view


def event_weights(log: EventLog, catalog: Catalog) -> tuple[NDArray, NDArray, NDArray]:
    """Return weight float32[n], is_view bool[n] and is_long bool[n] of each event."""
    is_view = log.kind == EventType.VIEW
    duration = np.append(catalog.duration_seconds, np.float32(np.nan))[log.content]
    is_long = is_view & is_long_view(log.watch_seconds, duration, log.flags)
    view_weight = np.where(is_long, np.float32(1), np.float32(_SHORT_VIEW_WEIGHT))
    return np.where(is_view, view_weight, _WEIGHT[log.kind]), is_view, is_long


class Histories:
    """A log sorted by viewer, from which histories are cut for any viewer at any moment."""

    def __init__(self, log: EventLog, catalog: Catalog) -> None:
        log = log.take(log.content >= 0)
        self._log = log.take(np.lexsort((log.at_ms, log.viewer)))
        self._weight, is_view, is_long = event_weights(self._log, catalog)
        self._is_view, self._is_long = is_view.astype(np.float32), is_long.astype(np.float32)
        self._viewers, self._start, slot = np.unique(
            self._log.viewer, return_index=True, return_inverse=True
        )
        # (viewer, time) packed in one ascending number: 2⁴³ ms reach the year 2248.
        self._packed = (slot << _TIME_BITS) + self._log.at_ms

    def bounds(
        self, viewer: NDArray[np.int64], at_ms: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return start and end of each viewer's events strictly before at_ms, in the sorted log."""
        if not len(self._log):
            zeros = np.zeros(len(viewer), np.int64)
            return zeros, zeros
        slot = np.minimum(np.searchsorted(self._viewers, viewer), len(self._viewers) - 1)
        is_known = self._viewers[slot] == viewer
        start = self._start[slot]
        end = np.searchsorted(self._packed, (slot << _TIME_BITS) + at_ms, side="left")
        return np.where(is_known, start, 0), np.where(is_known, end, 0)

    def cut(
        self,
        viewer: NDArray[np.int64],
        at_ms: NDArray[np.int64],
        *,
        slots: int = HISTORY_SLOTS,
    ) -> History:
        """Return the latest `slots` events of each viewer before at_ms; both arrays are [m]."""
        start, end = self.bounds(viewer, at_ms)
        at = end[:, None] - 1 - np.arange(slots)
        is_filled = at >= start[:, None]
        if not len(self._log):
            at = np.zeros_like(at)
            empty = np.zeros(at.shape, np.float32)
            return History(np.full(at.shape, -1), empty, empty, empty, empty)
        at = np.where(is_filled, at, 0)
        ago = (at_ms[:, None] - self._log.at_ms[at]) / np.float32(3_600_000)
        return History(
            content=np.where(is_filled, self._log.content[at], -1),
            hours_ago=np.where(is_filled, ago, 0).astype(np.float32),
            weight=np.where(is_filled, self._weight[at], 0),
            is_view=np.where(is_filled, self._is_view[at], 0),
            is_long=np.where(is_filled, self._is_long[at], 0),
        )

    def events_of(self, viewer: int, at_ms: int) -> EventLog:
        """Return all events of one viewer before at_ms, in time order."""
        start, end = self.bounds(np.array([viewer]), np.array([at_ms]))
        return self._log.take(slice(int(start[0]), int(end[0])))


def cut_one(log: EventLog, catalog: Catalog, at_ms: int, *, slots: int = HISTORY_SLOTS) -> History:
    """Return the history of one viewer from their own log in time order: a request's case."""
    log = log.take(log.content >= 0).take(slice(-slots, None))
    n = len(log)
    weight, is_view, is_long = event_weights(log, catalog)
    content = np.full((1, slots), -1, np.int64)
    content[0, :n] = log.content[::-1]
    numbers = np.zeros((4, 1, slots), np.float32)
    hours_ago = np.maximum(at_ms - log.at_ms, 0) / np.float32(3_600_000)
    numbers[:, 0, :n] = np.stack([hours_ago, weight, is_view, is_long])[:, ::-1]
    return History(content, *numbers)
