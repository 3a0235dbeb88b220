"""What is counted about contents and what stands above them, as of a moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog, used_tags
from apps.core import later
from apps.events.types import DEVICES, EventLog, EventType, is_long_view
from apps.features.algorithms.counters import HALF_LIVES_HOURS, Counters
from apps.features.history import watched_share
from apps.features.latest import LatestViews, Views
from apps.features.types import Asked, Counts

Ints = NDArray[np.int64]


class Counted(IntEnum):
    """What the counters tell apart. Entities that count fewer kinds count the first ones."""

    VIEW = 0
    LONG_VIEW = 1
    COMPLETE = 2  # views that reached the end
    LIKE = 3
    NEGATIVE = 4  # skip, hide, report
    COMMENT = 5
    SHARE = 6  # share and follow: both bring the creator viewers
    SAVE = 7


HOURS_6, DAY, WEEK, EVER = range(len(HALF_LIVES_HOURS))
N_COUNTED = len(Counted)
_COUNTED_AS = {
    EventType.VIEW: Counted.VIEW,
    EventType.LIKE: Counted.LIKE,
    EventType.COMMENT: Counted.COMMENT,
    EventType.SHARE: Counted.SHARE,
    EventType.SAVE: Counted.SAVE,
    EventType.FOLLOW: Counted.SHARE,
    EventType.SKIP: Counted.NEGATIVE,
    EventType.HIDE: Counted.NEGATIVE,
    EventType.REPORT: Counted.NEGATIVE,
}
_KIND_OF = np.full(max(EventType) + 1, -1, np.int64)
for _event_type, _counted in _COUNTED_AS.items():
    _KIND_OF[_event_type] = _counted
_COMPLETE_SHARE = 0.97  # of the length; players report a little less than all
_SHARED_MS = 1000  # orders shared by all requests are worked out anew after this
T = TypeVar("T")

N_PARTS = 6  # of the day, four local hours each; the first one is 22:00–2:00
# What is counted about, and how many kinds of events.
ENTITIES: dict[str, int] = {
    "content": N_COUNTED,
    "creator": N_COUNTED,
    "sound": 2,
    "category": Counted.LIKE + 1,
    "tag": 2,
    "category_part": 2,  # category × part of the day
    "device": 2,
}
EVERYTHING, CATEGORIZED = 0, 1  # rows of `Stats.total`: all events, those about some category


def part_of_day(at_ms: Ints, utc_offset_minutes: Ints) -> Ints:
    """Return 0…5 by the viewer's clock: 22–2, 2–6, 6–10, 10–14, 14–18, 18–22 o'clock."""
    return np.asarray((at_ms // 60_000 + utc_offset_minutes + 120) // 240 % N_PARTS)


class Stats:
    """Counters of everything that happened so far; a pure function of the log, in any order."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.n_events = 0
        self.by = {name: Counters(0, n_kinds) for name, n_kinds in ENTITIES.items()}
        self.total = Counters(2, N_COUNTED)
        self.latest = LatestViews()
        self._shared: dict[Hashable, tuple[int, Any]] = {}
        self._grow(catalog)

    def follow(self, catalog: Catalog) -> None:
        """Take the catalogue's new rows in; who reads `catalog` meanwhile has room for all rows."""
        self._grow(catalog)
        self.catalog = catalog

    def _grow(self, catalog: Catalog) -> None:
        n_categories = len(catalog.categories)
        sizes = {
            "content": len(catalog),
            "creator": len(catalog.creator_pk),
            "sound": catalog.n_sounds,
            "category": n_categories,
            "tag": catalog.n_tags,
            "category_part": n_categories * N_PARTS,
            "device": len(DEVICES),
        }
        for name, size in sizes.items():
            self.by[name].grow(size)
        self.sizes = sizes

    def advance(self, log: EventLog) -> None:
        """Count the events of `log` (in any order, each once)."""
        self.n_events += len(log)
        entities, kind, at_ms = self._occurrences(log)
        for name, counters in self.by.items():
            counters.add(entities[name], kind, at_ms)
        self.total.add(entities["total"], kind, at_ms)
        views = log.take((log.kind == EventType.VIEW) & (log.content >= 0))
        share = watched_share(views, self.catalog)
        self.latest.add(Views(views.at_ms, views.viewer, views.content, share))

    def counts(self, rows: Ints, asked: Asked) -> Counts:
        """Return the counters of contents `rows` int64[n] as of one moment (asked: one query)."""
        now_ms = int(asked.at_ms[0])
        entities = self._entities(rows, _part(asked), asked.device)
        by = {name: self.by[name].at(entities[name], now_ms) for name in ENTITIES}
        return Counts(by, self.total.at(_TOTAL_ROWS, now_ms))

    def counts_before(self, rows: Ints, asked: Asked, log: EventLog) -> Counts:
        """Return the counters as of each pair's own moment, events of it and later ones left out.

        rows: int64[n]; asked: n queries; log: the events that are not counted yet, up to the last
        moment, within `counters.MAX_STRETCH_MS`.
        """
        events, kind, at_ms = self._occurrences(log)
        entities = self._entities(rows, _part(asked), asked.device)
        now_ms = asked.at_ms
        by = {
            name: self.by[name].before(entities[name], now_ms, (events[name], kind, at_ms))
            for name in ENTITIES
        }
        total_rows = np.repeat(_TOTAL_ROWS, len(rows), axis=0)
        total = self.total.before(total_rows, now_ms, (events["total"], kind, at_ms))
        return Counts(by, total)

    def _occurrences(self, log: EventLog) -> tuple[dict[str, Ints], Ints, Ints]:
        """Return what events are about, what they count as, and when; long views count twice."""
        counted = _KIND_OF[log.kind]
        about = (counted >= 0) & (log.content >= 0)
        log, counted = log.take(about), counted[about]
        duration = self.catalog.duration_seconds[log.content]
        is_view = counted == Counted.VIEW
        is_long = is_view & is_long_view(log.watch_seconds, duration, log.flags)
        is_complete = is_view & (log.watch_seconds >= _COMPLETE_SHARE * duration)  # NaN: False
        long, complete = np.flatnonzero(is_long), np.flatnonzero(is_complete)
        index = np.concatenate([np.arange(len(log)), long, complete])
        kinds = (Counted.LONG_VIEW, Counted.COMPLETE)
        kind = np.concatenate([counted, np.repeat(kinds, (len(long), len(complete)))])
        part = part_of_day(log.at_ms, log.utc_offset_minutes.astype(np.int64))
        entities = self._entities(log.content, part, log.device.astype(np.int64))
        entities["total"] = np.stack(
            [np.zeros(len(log), np.int64), np.where(entities["category"] < 0, -1, CATEGORIZED)], 1
        )
        return {name: e[index] for name, e in entities.items()}, kind, log.at_ms[index]

    def _entities(self, rows: Ints, part: Ints, device: Ints) -> dict[str, Ints]:
        """Return what contents stand for: int64[n], tags int64[n, t]; −1 for none."""
        catalog = self.catalog
        category = catalog.category[rows]
        return {
            "content": rows,
            "creator": catalog.creator[rows],
            "sound": catalog.sound[rows],
            "category": category,
            "tag": used_tags(catalog.tags[rows]),
            "category_part": np.where(category < 0, -1, category * N_PARTS + part),
            "device": np.broadcast_to(device, rows.shape),
        }

    def popularity(self, half_life: int, now_ms: int) -> NDArray[np.float64]:
        """Return float64[n_contents]: decayed long views, plus a third of the other views."""
        counters = self.by["content"]
        long_views = counters.all_at(Counted.LONG_VIEW, half_life, now_ms)
        views = counters.all_at(Counted.VIEW, half_life, now_ms)
        n = len(self.catalog)
        return np.asarray(long_views[:n] + 0.3 * (views[:n] - long_views[:n]))

    def shared(
        self, key: Hashable, at_ms: int, make: Callable[[], T], *, for_ms: int = _SHARED_MS
    ) -> T:
        """Return what `make` gives, made once for all requests of about the same moment.

        Where a thread refreshes (`core.later`), what is older than `for_ms` is made anew there, and
        requests go on with the old until it is twice as old.
        """

        def make_now() -> T:
            value = make()
            self._shared[key] = (at_ms, value)
            return value

        if key not in self._shared:
            return make_now()
        value: T
        made_at, value = self._shared[key]
        if abs(at_ms - made_at) < for_ms:
            return value
        if made_at < at_ms < made_at + 2 * for_ms and later.soon((id(self), key), make_now):
            return value
        return make_now()


_TOTAL_ROWS = np.array([[EVERYTHING, CATEGORIZED]])


def _part(asked: Asked) -> Ints:
    return part_of_day(asked.at_ms, asked.utc_offset_minutes)
