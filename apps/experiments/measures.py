"""Totals of each exposed viewer from the log: since their first exposure, and before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.core.clock import DAY_MS
from apps.events import selectors as events
from apps.events.types import EventLog, EventType, is_long_view
from apps.experiments.algorithms.ratio import Floats
from apps.experiments.conf import PRE_PERIOD_MS

_CHUNK = 2_000  # viewers whose events are in memory at once
_KINDS = {
    "views": EventType.VIEW,
    "skips": EventType.SKIP,
    "reports": EventType.REPORT,
    "hides": EventType.HIDE,
}


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of m viewers, float64[m] each, by the names that metrics use."""

    since: dict[str, Floats]  # from the first exposure on
    before: dict[str, Floats]  # in the `PRE_PERIOD_MS` before it
    # int8[m] code of `DEVICES`: that of the earliest event that names one, of those before the
    # exposure if there are, so that the variant has had no part in it. 0 where none does.
    device: NDArray[np.int8]


def totals(viewer: NDArray[np.int64], first_ms: NDArray[np.int64], *, until_ms: int) -> Totals:
    """Return the totals of int64[m] viewers (ascending keys) exposed at int64[m] `first_ms`.

    One query a `_CHUNK` of viewers, along the index by viewer and time.
    """
    parts = list(_parts(viewer, first_ms, until_ms))
    if not parts:
        parts = [_of(EventLog.empty(), viewer, first_ms, np.empty(0, np.bool_))]
    return Totals(
        since={name: np.concatenate([p.since[name] for p in parts]) for name in parts[0].since},
        before={name: np.concatenate([p.before[name] for p in parts]) for name in parts[0].before},
        device=np.concatenate([p.device for p in parts]),
    )


def _parts(
    viewer: NDArray[np.int64], first_ms: NDArray[np.int64], until_ms: int
) -> Iterator[Totals]:
    catalog = content.catalog()
    for start in range(0, len(viewer), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        after_ms = int(first_ms[chunk].min()) - PRE_PERIOD_MS
        log = events.log_of(viewer[chunk], catalog, after_ms=after_ms, until_ms=until_ms)
        duration = np.where(
            log.content >= 0, catalog.duration_seconds[log.content], np.float32(np.nan)
        )
        is_long = is_long_view(log.watch_seconds, duration.astype(np.float32), log.flags)
        yield _of(log, viewer[chunk], first_ms[chunk], is_long & (log.kind == EventType.VIEW))


def _of(
    log: EventLog,
    viewer: NDArray[np.int64],
    first_ms: NDArray[np.int64],
    is_long: NDArray[np.bool_],
) -> Totals:
    place = np.searchsorted(viewer, log.viewer)
    age = log.at_ms - first_ms[place]
    since, before = age >= 0, (age < 0) & (age >= -PRE_PERIOD_MS)
    return Totals(
        since=_summed(log, place, since, is_long, first_ms),
        before=_summed(log, place, before, is_long, first_ms),
        device=_first_device(log, place, since | before, len(first_ms)),
    )


def _first_device(
    log: EventLog, place: NDArray[np.int64], among: NDArray[np.bool_], m: int
) -> NDArray[np.int8]:
    named = np.flatnonzero(among & (log.device > 0))  # in order of time
    places, at = np.unique(place[named], return_index=True)
    found = np.zeros(m, np.int8)
    found[places] = log.device[named[at]]
    return found


def _summed(
    log: EventLog,
    place: NDArray[np.int64],
    counts: NDArray[np.bool_],
    is_long: NDArray[np.bool_],
    first_ms: NDArray[np.int64],
) -> dict[str, Floats]:
    m = len(first_ms)

    def number(mask: NDArray[np.bool_]) -> Floats:
        return np.bincount(place[mask & counts], minlength=m).astype(np.float64)

    is_watch = np.isfinite(log.watch_seconds) & counts
    days = np.unique(np.stack([place[counts], log.at_ms[counts] // DAY_MS]), axis=1)
    is_other_day = days[1] != first_ms[days[0]] // DAY_MS
    return {
        "watch_seconds": np.bincount(place[is_watch], log.watch_seconds[is_watch], minlength=m),
        "long_views": number(is_long),
        "likes": number(log.kind == EventType.LIKE) - number(log.kind == EventType.UNLIKE),
        "active_days": np.bincount(days[0], minlength=m).astype(np.float64),
        "returned": np.minimum(np.bincount(days[0][is_other_day], minlength=m), 1.0),
        **{name: number(log.kind == kind) for name, kind in _KINDS.items()},
    }
