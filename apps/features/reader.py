"""The counters as of now: every process keeps them and follows the log."""

from __future__ import annotations

from typing import Self

from apps.content import selectors as content
from apps.core.clock import now_ms
from apps.core.live import Live
from apps.events import selectors as events
from apps.features import snapshot
from apps.features.snapshot import Snapshot, Watermark
from apps.features.stats import Stats

CONSUMER = "counters"
_PART = 50_000  # events read at once


class StatsReader:
    """The counters so far and the watermark up to which the log is in them."""

    def __init__(self, found: Snapshot | None = None) -> None:
        self.stats = found.stats if found else Stats(content.catalog())
        self.watermark: Watermark = found.watermark if found else (0, 0)
        self.caught_up_ms = 0  # when it last found nothing more to read

    @classmethod
    def from_snapshot(cls) -> Self:
        """Return a reader that goes on where the stored snapshot ends, else a new one."""
        return cls(snapshot.load(content.catalog()))

    def read_on(self) -> Self:
        """Count what was committed since the last call."""
        while True:
            log, after = events.since(self.watermark, limit=_PART)
            # After the reading, so that every content of the log has its row.
            self.stats.follow(content.catalog())
            if not len(log):
                self.caught_up_ms = now_ms()
                return self
            self.stats.advance(log)
            self.watermark = after

    def save(self) -> int:
        """Store the counters as the snapshot; return its size in bytes."""
        return snapshot.save(Snapshot(self.stats, self.watermark))


_live: Live[StatsReader] = Live(
    "stats", lambda reader: (reader or StatsReader.from_snapshot()).read_on()
)


def stats() -> Stats:
    """Return the counters as this process knows them, at most one refresh old."""
    return _live.get().stats


def live_reader() -> StatsReader | None:
    """Return the reader of this process as it is, without refreshing it."""
    return _live.peek()
