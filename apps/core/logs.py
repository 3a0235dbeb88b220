"""What keeps a log readable."""

from __future__ import annotations

import logging
import time

QUIET_SECONDS = 60.0


class Repeats(logging.Filter):
    """Lets a message below ERROR pass once in `QUIET_SECONDS`, however many requests meet it."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is to be written."""
        if record.levelno >= logging.ERROR:
            return True
        key = (record.name, record.getMessage())
        now = time.monotonic()
        if now - self._last.get(key, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        if len(self._last) > 1000:
            self._last.clear()
        self._last[key] = now
        return True
