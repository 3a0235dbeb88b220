"""Histories of viewers as padded blocks, cut at the moment of each query."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import LONG_VIEW_SECONDS, EventLog, EventType, is_long_view

HISTORY_SLOTS = 100  # latest events of a viewer that features see
SESSION_GAP_MS = 30 * 60_000  # longer without anything ends a session (spec §2.3)
LAST_VIEWS = (1, 5, 10)  # how many of the latest views features look at
NETWORK_SLOTS = 8  # latest load times that the network's speed is estimated from

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
_VIEW = int(EventType.VIEW)  # NumPy takes a plain number several times as fast
_TIME_BITS = 43
HOUR_MS = 3_600_000

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Summed(IntEnum):
    """What is summed up over stretches of a history."""

    VIEW = 0
    LONG = 1
    POSITIVE = 2  # weight for
    LIKED = 3  # explicit events for something
    AGAINST = 4  # skip, hide, report
    LOG_WATCH = 5  # log(1 + seconds) of the views whose watch time is known
    WATCH_KNOWN = 6
    LIKED_LENGTH = 7  # weight for × log(1 + length)
    LENGTH_WEIGHT = 8  # weight for, where the length is known
    SESSION_HOURS = 9  # by which the event made its session longer
    CATEGORIZED = 10  # weight for contents that have a category


@dataclass(frozen=True, slots=True)
class History:
    """The latest events of m viewers, newest last; empty slots come first and have weight 0.

    Slots of other viewers may hold anything but weights: `is_filled` says which are the viewer's.
    """

    is_filled: NDArray[np.bool_]  # [m, h]
    content: NDArray[np.int32]  # [m, h] catalog rows, −1 in empty slots
    creator: NDArray[np.int32]  # [m, h], −1 for none, as the next ones
    sound: NDArray[np.int32]  # [m, h]
    category: NDArray[np.int32]  # [m, h]
    tags: NDArray[np.int16] | NDArray[np.int32]  # [m, t, h]
    tag_share: Floats  # [m, h] 1/number of tags
    hours_ago: Floats  # [m, h] ≥ 0
    weight: Floats  # [m, h] for (> 0) or against (< 0)
    is_view: Floats  # [m, h] 1 for a view
    is_long: Floats  # [m, h] 1 for a long view
    sums: Floats  # [m, len(Summed)] over all slots
    session_sums: Floats  # [m, len(Summed)] over the session going on
    last_sums: Floats  # [m, len(LAST_VIEWS), len(Summed)] since the last views began
    session_slots: Ints  # [m] events of the session going on, 0 for none
    last_slots: Ints  # [m, len(LAST_VIEWS)] events since the last views began
    session_hours: Floats  # [m] since the session going on began
    n_ended: Floats  # [m] sessions that have ended
    streak: Floats  # [m] views since the last long one
    network_ms: Floats  # [m, NETWORK_SLOTS] latest load times, NaN for none


def event_weights(log: EventLog, catalog: Catalog) -> tuple[NDArray, NDArray, NDArray]:
    """Return weight float32[n], is_view bool[n] and is_long bool[n] of each event."""
    is_view = log.kind == _VIEW
    known = log.content >= 0
    duration = np.where(known, catalog.duration_seconds[log.content], np.float32(np.nan))
    is_long = is_view & is_long_view(log.watch_seconds, duration, log.flags)
    view_weight = np.where(is_long, np.float32(1), np.float32(_SHORT_VIEW_WEIGHT))
    return np.where(is_view, view_weight, _WEIGHT[log.kind]), is_view, is_long


def watched_share(views: EventLog, catalog: Catalog) -> Floats:
    """Return the share of its content that each view watched, float32[n] in [0, 1].

    Of a length that is not known, as far as to a long view; of a time that is not known, 1 for a
    long view and 0 for another.
    """
    seconds = catalog.duration_seconds[views.content]
    length = np.where(seconds > 0, seconds, np.float32(LONG_VIEW_SECONDS))  # NaN: not known
    is_long = is_long_view(views.watch_seconds, seconds, views.flags)
    is_known = np.isfinite(views.watch_seconds)
    return np.where(is_known, np.clip(views.watch_seconds / length, 0, 1), is_long).astype(
        np.float32
    )


class Histories:
    """A log sorted by viewer, from which histories are cut for any viewer at any moment.

    What is known of an event here depends on it and on the viewer's earlier events only.
    """

    def __init__(self, log: EventLog, catalog: Catalog) -> None:
        log = log.take(np.lexsort((log.at_ms, log.viewer)))
        self._log = log = log.take(log.content >= 0)
        self._viewers, self._start, slot = np.unique(
            log.viewer, return_index=True, return_inverse=True
        )
        # (viewer, time) packed in one ascending number: 2⁴³ ms reach the year 2248.
        self._packed = (slot << _TIME_BITS) + log.at_ms
        weight, is_view, is_long = event_weights(log, catalog)
        self._mark_sessions(slot, is_view)
        self._sum_up(catalog, weight, is_view, is_long)
        self._views, self._longs = np.flatnonzero(is_view), np.flatnonzero(is_long)
        self._measured = np.flatnonzero(np.isfinite(log.network_ms))
        rows = log.content
        tags = catalog.tags[rows]
        tags = tags[:, : int((tags >= 0).any(axis=0).sum())]
        self._at_ms = _windows(log.at_ms)
        self._content = _windows(rows.astype(np.int32))
        self._creator = _windows(catalog.creator[rows].astype(np.int32))
        self._sound = _windows(catalog.sound[rows].astype(np.int32))
        self._category = _windows(catalog.category[rows].astype(np.int32))
        # Half as wide where it fits: tags are compared one by one, the dearest of all features.
        self._tags = _windows(tags.astype(np.int16 if catalog.n_tags < 2**15 else np.int32))
        # An event about three tags gives each a third of its weight.
        shares = 1 / np.maximum((tags >= 0).sum(axis=1), 1)
        self._tag_shares = _windows(shares.astype(np.float32))
        self._weights = _windows(np.stack([weight, is_view, is_long], axis=1).astype(np.float32))

    def _mark_sessions(self, slot: Ints, is_view: NDArray[np.bool_]) -> None:
        """Find the sessions: a new one begins > 30 minutes after the end of all that was before.

        A view ends when it was watched, other events at once.
        """
        log = self._log
        watched = np.where(np.isnan(log.watch_seconds), 0, log.watch_seconds)
        watched_ms = watched.astype(np.float64) * 1000
        own_end = log.at_ms + np.where(is_view, watched_ms, 0).astype(np.int64)
        # Viewers ascend in the packed numbers, so that the running maximum never crosses them.
        packed_end = np.maximum.accumulate((slot << _TIME_BITS) + own_end)
        self._end_ms = packed_end - (slot << _TIME_BITS)
        before = np.concatenate([[-1], packed_end])[:-1]
        is_start = self._packed - before > SESSION_GAP_MS
        is_start[self._start] = True
        index = np.arange(len(log))
        self._session_start = np.maximum.accumulate(np.where(is_start, index, 0))
        self._session = np.cumsum(is_start)
        start_ms = np.where(is_start, log.at_ms, np.concatenate([[0], self._end_ms])[:-1])
        self._session_hours = (self._end_ms - start_ms) / HOUR_MS

    def _sum_up(
        self,
        catalog: Catalog,
        weight: Floats,
        is_view: NDArray[np.bool_],
        is_long: NDArray[np.bool_],
    ) -> None:
        log = self._log
        watch, length = log.watch_seconds, catalog.duration_seconds[log.content]
        has_watch, has_length = is_view & np.isfinite(watch), np.isfinite(length)
        positive = np.maximum(weight, 0)
        columns = {
            Summed.VIEW: is_view,
            Summed.LONG: is_long,
            Summed.POSITIVE: positive,
            Summed.LIKED: (weight >= 1) & ~is_view,
            Summed.AGAINST: (weight < 0) & ~is_view & (log.kind != EventType.UNLIKE),
            Summed.LOG_WATCH: np.log1p(np.where(has_watch, watch, 0)),
            Summed.WATCH_KNOWN: has_watch,
            Summed.LIKED_LENGTH: np.log1p(np.where(has_length, length, 0)) * positive,
            Summed.LENGTH_WEIGHT: positive * has_length,
            Summed.SESSION_HOURS: self._session_hours,
            Summed.CATEGORIZED: positive * (catalog.category[log.content] >= 0),
        }
        self._sums = np.zeros((len(log) + 1, len(Summed)))
        for name, column in columns.items():
            self._sums[1:, name] = column
        np.cumsum(self._sums, axis=0, out=self._sums)

    def bounds(self, viewer: Ints, at_ms: Ints) -> tuple[Ints, Ints]:
        """Return start and end of each viewer's events strictly before at_ms, in the sorted log."""
        if not len(self._log):
            zeros = np.zeros(len(viewer), np.int64)
            return zeros, zeros
        slot = np.minimum(np.searchsorted(self._viewers, viewer), len(self._viewers) - 1)
        is_known = self._viewers[slot] == viewer
        start = self._start[slot]
        end = np.searchsorted(self._packed, (slot << _TIME_BITS) + at_ms, side="left")
        return np.where(is_known, start, 0), np.where(is_known, end, 0)

    def cut(self, viewer: Ints, at_ms: Ints, *, slots: int = HISTORY_SLOTS) -> History:
        """Return the latest `slots` events of each viewer before at_ms; both arrays are [m]."""
        start, end = self.bounds(viewer, at_ms)
        return self._cut(start, end, at_ms, slots)

    def cut_all(self, at_ms: int, *, slots: int = HISTORY_SLOTS) -> History:
        """Return the latest events of a log of one viewer, even where their clock is ahead."""
        return self._cut(
            np.zeros(1, np.int64), np.array([len(self._log)]), np.array([at_ms]), slots
        )

    def _cut(self, start: Ints, end: Ints, at_ms: Ints, slots: int) -> History:
        first = np.maximum(start, end - slots)
        is_filled = np.arange(slots) >= slots - (end - first)[:, None]

        def block(windows: NDArray) -> NDArray:
            return windows[end, ..., HISTORY_SLOTS - slots :]

        hours_ago = np.maximum(at_ms[:, None] - block(self._at_ms), 0) / np.float32(HOUR_MS)
        weights = block(self._weights) * is_filled[:, None]
        newest = np.maximum(end - 1, 0)
        session_first = self._session_going_on(first, end, newest, at_ms)
        last_first = self._last_views(first, end)
        at_end = self._sums[end]
        last_sums = at_end[:, None] - self._sums[last_first]
        return History(
            is_filled=is_filled,
            content=np.where(is_filled, block(self._content), np.int32(-1)),
            creator=block(self._creator),
            sound=block(self._sound),
            category=block(self._category),
            tags=block(self._tags),
            tag_share=block(self._tag_shares),
            hours_ago=np.where(is_filled, hours_ago, 0).astype(np.float32),
            weight=weights[:, 0],
            is_view=weights[:, 1],
            is_long=weights[:, 2],
            sums=(at_end - self._sums[first]).astype(np.float32),
            session_sums=(at_end - self._sums[session_first]).astype(np.float32),
            last_sums=last_sums.astype(np.float32),
            session_slots=end - session_first,
            last_slots=end[:, None] - last_first,
            session_hours=self._hours_since(session_first, end, at_ms),
            n_ended=self._n_ended(first, end, newest, session_first),
            streak=self._streak(first, end),
            network_ms=self._network(first, end),
        )

    def _session_going_on(self, first: Ints, end: Ints, newest: Ints, at_ms: Ints) -> Ints:
        """Return where the session going on begins, `end` where there is none."""
        if not len(self._log):
            return end
        goes_on = (end > first) & (at_ms - self._end_ms[newest] <= SESSION_GAP_MS)
        return np.where(goes_on, np.maximum(self._session_start[newest], first), end)

    def _hours_since(self, position: Ints, end: Ints, at_ms: Ints) -> Floats:
        times = np.append(self._log.at_ms, 0)[position]
        hours = np.maximum(at_ms - times, 0) / HOUR_MS
        return np.where(position < end, hours, 0).astype(np.float32)

    def _n_ended(self, first: Ints, end: Ints, newest: Ints, session_first: Ints) -> Floats:
        if not len(self._log):
            return np.zeros(len(end), np.float32)
        oldest = np.minimum(first, len(self._log) - 1)
        n_sessions = self._session[newest] - self._session[oldest] + 1 - (session_first < end)
        return np.where(end > first, n_sessions, 0).astype(np.float32)

    def _last_views(self, first: Ints, end: Ints) -> Ints:
        """Return int64[m, len(LAST_VIEWS)]: where the k-th latest view is, else the first event."""
        n_before = np.searchsorted(self._views, end)
        at = n_before[:, None] - np.array(LAST_VIEWS)
        position = np.append(self._views, 0)[np.maximum(at, -1)]
        return np.maximum(np.where(at >= 0, position, 0), first[:, None])

    def _streak(self, first: Ints, end: Ints) -> Floats:
        n_before = np.searchsorted(self._longs, end)
        last_long = np.append(self._longs, -1)[n_before - 1]
        since = np.maximum(np.where(n_before > 0, last_long, -1) + 1, first)
        return (self._sums[end, Summed.VIEW] - self._sums[since, Summed.VIEW]).astype(np.float32)

    def _network(self, first: Ints, end: Ints) -> Floats:
        at = np.searchsorted(self._measured, end)[:, None] - 1 - np.arange(NETWORK_SLOTS)
        position = np.append(self._measured, -1)[np.maximum(at, -1)]
        measured = np.append(self._log.network_ms, np.float32(np.nan))[position]
        return np.where((at >= 0) & (position >= first[:, None]), measured, np.float32(np.nan))

    def events_of(self, viewer: int, at_ms: int) -> EventLog:
        """Return all events of one viewer before at_ms, in time order."""
        start, end = self.bounds(np.array([viewer]), np.array([at_ms]))
        return self._log.take(slice(int(start[0]), int(end[0])))


def _windows(column: NDArray) -> NDArray:
    """Return, for a column [n, …], [n + 1, …, HISTORY_SLOTS]: at i what was before event i.

    A view of the column with room before it, not a copy: to pick from it copies whole windows.
    """
    room = np.full((HISTORY_SLOTS, *column.shape[1:]), -1, column.dtype)
    padded = np.concatenate([room, column])
    # What `sliding_window_view` gives; that one takes longer than all the rest of a request's cut.
    shape = (len(column) + 1, *column.shape[1:], HISTORY_SLOTS)
    strides = (*padded.strides, padded.strides[0])
    windows = np.ndarray(shape, padded.dtype, padded, strides=strides)
    windows.flags.writeable = False
    return windows


def cut_one(log: EventLog, catalog: Catalog, at_ms: int, *, slots: int = HISTORY_SLOTS) -> History:
    """Return the history of one viewer from their own log in time order: a request's case."""
    return Histories(log, catalog).cut_all(at_ms, slots=slots)
