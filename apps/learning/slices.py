"""Cuts of a log into what was known and what came next: where ranking examples come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.core.clock import DAY_MS
from apps.events.types import EventFlag, EventLog, EventType

_HELD_VIEWS = (5, 2)  # last views of a viewer that give examples where time slices hold too few
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
        yield from time_slices(log, n=n, share=share)
    else:
        for number in range(n):
            yield last_views_slice(log, m=_HELD_VIEWS[number % len(_HELD_VIEWS)])


def temporal_slice(log: EventLog, *, share: float) -> Slice:
    """Return the slice whose future is the last `share` of the views with a known time."""
    return next(time_slices(log, n=1, share=share))


def last_views_slice(log: EventLog, *, m: int = 1) -> Slice:
    """Return the slice whose future is each viewer's last m views, everything else being known.

    A viewer keeps at least half of their views. From the first held view on nothing of the viewer
    is known; other viewers are known to the end of the log, which is when everybody asks.
    """
    views = np.flatnonzero((log.kind == EventType.VIEW) & (log.content >= 0) & (log.viewer >= 0))
    order = views[np.argsort(log.viewer[views], kind="stable")]
    viewers, start, count = np.unique(log.viewer[order], return_index=True, return_counts=True)
    held = np.minimum(m, count // 2)
    n_events = len(log)
    first_held = np.append(order, n_events)[np.where(held > 0, start + count - held, len(order))]
    if not len(viewers):
        return Slice(log, EventLog.empty(), 0)
    slot = np.minimum(np.searchsorted(viewers, log.viewer), len(viewers) - 1)
    cut = np.where(viewers[slot] == log.viewer, first_held[slot], n_events)
    is_known = np.arange(n_events) < cut
    is_view = np.zeros(n_events, np.bool_)
    is_view[views] = True
    return Slice(log.take(is_known), log.take(~is_known & is_view), int(log.at_ms[-1]) + 1)


def _is_dense(log: EventLog) -> bool:
    viewers = np.unique(log.viewer[log.viewer >= 0])
    if not len(log):
        return True
    lately = log.viewer[(log.at_ms > log.at_ms[-1] - 7 * DAY_MS) & (log.viewer >= 0)]
    return len(np.unique(lately)) >= _DENSE_SHARE * len(viewers)


def time_slices(log: EventLog, *, n: int, share: float) -> Iterator[Slice]:
    """Yield up to n windows that hold `share` of the timed views each, the latest first."""
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
