"""The counters as of now: every process keeps them and follows the log."""

from __future__ import annotations

from apps.content import selectors as content
from apps.core.live import Live
from apps.events import selectors as events
from apps.features.stats import Stats


class StatsReader:
    """The counters so far and the watermark up to which the log is in them."""

    def __init__(self) -> None:
        self.stats = Stats(content.catalog())
        self._watermark = (0, 0)

    def read_on(self) -> StatsReader:
        """Count what was committed since the last call."""
        catalog = content.catalog()
        self.stats.follow(catalog)
        while True:
            log, self._watermark = events.since(self._watermark, catalog)
            if not len(log):
                return self
            self.stats.advance(log)


_live: Live[StatsReader] = Live("stats", lambda reader: (reader or StatsReader()).read_on())


def stats() -> Stats:
    """Return the counters as this process knows them, at most one refresh old."""
    return _live.get().stats
