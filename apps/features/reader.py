"""The counters as of now: every process keeps them and follows the log."""

from __future__ import annotations

from typing import Self

import numpy as np

from apps.content import selectors as content
from apps.core.clock import now_ms
from apps.core.live import Live
from apps.events import selectors as events
from apps.features import snapshot
from apps.features.snapshot import Snapshot
from apps.features.stats import Stats
from apps.features.waiting import NONE, Watermark, read_known, waiting_in

CONSUMER = "counters"
_PART = 50_000  # events read at once
_MANY_WAITING = 10_000  # so many may be looked for in every reading


class StatsReader:
    """The counters so far and the watermark up to which the log is in them."""

    def __init__(self, found: Snapshot | None = None) -> None:
        self.stats = found.stats if found else Stats(content.catalog())
        self.watermark: Watermark = found.watermark if found else (0, 0)
        self.waiting = found.waiting if found else NONE  # for their contents
        self.caught_up_ms = 0  # when it last found nothing more to read
        self._readings = 0

    @classmethod
    def from_snapshot(cls) -> Self:
        """Return a reader that goes on where the stored snapshot ends, else a new one."""
        return cls(snapshot.load(content.catalog()))

    def read_on(self) -> Self:
        """Count what was committed since the last call."""
        self.stats.follow(content.catalog())
        self._count_linked()
        limit = _PART
        while True:
            catalog = self.stats.catalog
            log, after = events.since(self.watermark, catalog, limit=limit)
            if not len(log):
                self.caught_up_ms = now_ms()
                return self
            waiting = waiting_in(log, catalog, self.watermark, after)
            if waiting is None:
                limit = len(log)  # the same events again
                continue
            self.stats.advance(log)
            self.waiting = np.concatenate([self.waiting, waiting])
            self.watermark, limit = after, _PART

    def save(self) -> int:
        """Store the counters as the snapshot; return its size in bytes."""
        return snapshot.save(Snapshot(self.stats, self.watermark, self.waiting))

    def _count_linked(self) -> None:
        # Looking costs in proportion to what waits: the more that is, the rarer.
        self._readings += 1
        if self._readings % (1 + len(self.waiting) // _MANY_WAITING):
            return
        log, self.waiting = read_known(self.waiting, self.stats.catalog)
        if len(log):
            self.stats.advance(log)
            self.stats.n_events -= len(log)  # they were counted as read the first time


_live: Live[StatsReader] = Live(
    "stats", lambda reader: (reader or StatsReader.from_snapshot()).read_on()
)


def stats() -> Stats:
    """Return the counters as this process knows them, at most one refresh old."""
    return _live.get().stats


def live_reader() -> StatsReader | None:
    """Return the reader of this process as it is, without refreshing it."""
    return _live.peek()
