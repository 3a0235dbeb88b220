"""Cuts of a log into what was known and what came next: where ranking examples come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.core.clock import DAY_MS
from apps.events.types import EventFlag, EventLog, EventType

_DENSE_SHARE = 0.1  # of the viewers active in the last week: below it time slices hold too few


@dataclass(frozen=True, slots=True)
class Slice:
    """What was known (`past`) when viewers asked at `at_ms`, and what they did next."""

    past: EventLog
    future: EventLog
    at_ms: int


def recent_slices(log: EventLog, *, n: int, share: float) -> Iterator[Slice]:
    """Yield up to n slices, the latest first; models for a slice are fitted on its past only.

    Where viewers come back all the time a slice is a window of time that holds `share` of the views
    whose time is known. Where the log is years of rare visits it is each viewer's last views.
    """
    if _is_dense(log):
        yield from _time_slices(log, n, share)
    else:
        yield last_event_slice(log)


def temporal_slice(log: EventLog, *, share: float) -> Slice:
    """Return the slice whose future is the last `share` of the views with a known time."""
    return next(_time_slices(log, 1, share))


def last_event_slice(log: EventLog) -> Slice:
    """Return the slice whose future is each viewer's last view, everything else being known.

    Viewers ask at the end of the log. Other events about a held-out content by its viewer from the
    view on are neither known nor future.
    """
    views = np.flatnonzero((log.kind == EventType.VIEW) & (log.content >= 0))
    order = np.lexsort((views, log.viewer[views]))
    viewer = log.viewer[views][order]
    is_last = np.append(viewer[1:] != viewer[:-1], True) if len(viewer) else np.empty(0, bool)
    is_first = np.append(True, viewer[1:] != viewer[:-1]) if len(viewer) else np.empty(0, bool)
    last = np.sort(views[order[is_last & ~is_first]])  # a viewer's only view stays known
    held = log.take(last)
    key = log.viewer * (int(log.content.max(initial=0)) + 2) + log.content
    held_key = key[last]
    at = np.minimum(np.searchsorted(np.sort(held_key), key), max(len(held_key) - 1, 0))
    is_held_pair = np.sort(held_key)[at] == key if len(held_key) else np.zeros(len(log), bool)
    time_of = dict(zip(held_key.tolist(), held.at_ms.tolist(), strict=True))
    pairs = np.flatnonzero(is_held_pair)
    since = np.array([time_of[k] for k in key[pairs].tolist()], np.int64)
    known = np.ones(len(log), np.bool_)
    known[pairs[log.at_ms[pairs] >= since]] = False
    known[last] = False
    return Slice(log.take(known), held, int(log.at_ms[-1]) + 1 if len(log) else 0)


def _is_dense(log: EventLog) -> bool:
    viewers = np.unique(log.viewer[log.viewer >= 0])
    if not len(log):
        return True
    lately = log.viewer[(log.at_ms > log.at_ms[-1] - 7 * DAY_MS) & (log.viewer >= 0)]
    return len(np.unique(lately)) >= _DENSE_SHARE * len(viewers)


def _time_slices(log: EventLog, n: int, share: float) -> Iterator[Slice]:
    times = log.at_ms[timed_views(log)]
    if not len(times):
        times = log.at_ms
    end_ms = int(log.at_ms[-1]) + 1 if len(log) else 0
    for number in range(1, n + 1):
        left = 1 - number * share
        if left <= 0 or not len(times):
            return
        start_ms = int(times[int(left * len(times))])
        yield Slice(log.before(start_ms), log.between(start_ms, end_ms), start_ms)
        end_ms = start_ms


def timed_views(log: EventLog) -> NDArray[np.bool_]:
    """Return bool[n]: views whose time is real, not filled in by an importer."""
    is_imputed = (log.flags & EventFlag.TIME_IMPUTED) != 0
    return (log.kind == EventType.VIEW) & (log.content >= 0) & ~is_imputed
