"""What is counted about contents, creators, sounds and categories, as of a moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import EventLog, EventType, is_long_view
from apps.features.algorithms.counters import HALF_LIVES_HOURS, Counters


class Counted(IntEnum):
    """What the counters tell apart."""

    VIEW = 0
    LONG_VIEW = 1
    LIKE = 2
    SHARE = 3  # comment, share, save, follow: engagement that costs the viewer something
    NEGATIVE = 4  # skip, hide, report


HOURS_6, DAY, WEEK, EVER = range(len(HALF_LIVES_HOURS))
N_COUNTED = len(Counted)
_COUNTED_AS = {
    EventType.VIEW: Counted.VIEW,
    EventType.LIKE: Counted.LIKE,
    EventType.COMMENT: Counted.SHARE,
    EventType.SHARE: Counted.SHARE,
    EventType.SAVE: Counted.SHARE,
    EventType.FOLLOW: Counted.SHARE,
    EventType.SKIP: Counted.NEGATIVE,
    EventType.HIDE: Counted.NEGATIVE,
    EventType.REPORT: Counted.NEGATIVE,
}
_KIND_OF = np.full(max(EventType) + 1, -1, np.int64)
for _event_type, _counted in _COUNTED_AS.items():
    _KIND_OF[_event_type] = _counted
_SHARED_MS = 1000  # orders shared by all requests are worked out anew after this
T = TypeVar("T")
ENTITIES = ("content", "creator", "sound", "category")


class Stats:
    """Counters of everything that happened so far; a pure function of the log, in any order."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.n_events = 0
        self.by = {name: Counters(0, N_COUNTED) for name in ENTITIES}
        self.total = Counters(1, N_COUNTED)
        self._shared: dict[Hashable, tuple[int, Any]] = {}
        self._grow(catalog)

    def follow(self, catalog: Catalog) -> None:
        """Take the catalogue's new rows in; who reads `catalog` meanwhile has room for all rows."""
        self._grow(catalog)
        self.catalog = catalog

    def _grow(self, catalog: Catalog) -> None:
        sizes = {
            "content": len(catalog),
            "creator": len(catalog.creator_pk),
            "sound": catalog.n_sounds,
            "category": len(catalog.categories),
        }
        for name, size in sizes.items():
            self.by[name].grow(size)
        self.sizes = sizes

    def advance(self, log: EventLog) -> None:
        """Count the events of `log` (in any order, each once)."""
        self.n_events += len(log)
        counted = _KIND_OF[log.kind]
        about = (counted >= 0) & (log.content >= 0)
        log, counted = log.take(about), counted[about]
        rows = log.content
        is_long = (counted == Counted.VIEW) & is_long_view(
            log.watch_seconds, self.catalog.duration_seconds[rows], log.flags
        )
        rows = np.concatenate([rows, rows[is_long]])
        kind = np.concatenate([counted, np.full(is_long.sum(), Counted.LONG_VIEW, np.int64)])
        at_ms = np.concatenate([log.at_ms, log.at_ms[is_long]])
        self.by["content"].add(rows, kind, at_ms)
        self.by["creator"].add(self.catalog.creator[rows], kind, at_ms)
        self.by["sound"].add(self.catalog.sound[rows], kind, at_ms)
        self.by["category"].add(self.catalog.category[rows], kind, at_ms)
        self.total.add(np.zeros(len(rows), np.int64), kind, at_ms)

    def popularity(self, half_life: int, now_ms: int) -> NDArray[np.float64]:
        """Return float64[n_contents]: decayed long views, plus a third of the other views."""
        counters = self.by["content"]
        long_views = counters.all_at(Counted.LONG_VIEW, half_life, now_ms)
        views = counters.all_at(Counted.VIEW, half_life, now_ms)
        n = len(self.catalog)
        return np.asarray(long_views[:n] + 0.3 * (views[:n] - long_views[:n]))

    def shared(self, key: Hashable, at_ms: int, make: Callable[[], T]) -> T:
        """Return what `make` gives, made once for all requests of about the same moment."""
        made_at, value = self._shared.get(key, (None, None))
        if made_at is None or abs(at_ms - made_at) >= _SHARED_MS:
            value = make()
            self._shared[key] = (at_ms, value)
        return value  # type: ignore[return-value]
