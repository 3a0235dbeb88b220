"""State that a process keeps in memory and brings up to date from the database.

One `Live` holds one such thing (the catalogue, the counters, the promoted bundle). A thread
refreshes all of them every `RECSYS_REFRESH_SECONDS`; with 0 every read does, which is what
tests and one-off commands want.

What requests work out for each other (`features.stats`) is worked out anew by that thread, too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from django.conf import settings
from django.db import close_old_connections

from apps.core import later

logger = logging.getLogger(__name__)

T = TypeVar("T")

_registry: list[Live] = []


class Live(Generic[T]):
    """A value made by `refresh(None)` at first and by `refresh(old)` from then on.

    `refresh` returns the old object itself when nothing has changed. Readers take the reference
    and keep it for their whole request: values are replaced, never changed.
    """

    def __init__(self, name: str, refresh: Callable[[T | None], T]) -> None:
        self.name = name
        self.refreshed_at = 0.0  # monotonic seconds of the last success
        self._refresh = refresh
        self._value: T | None = None
        self._lock = threading.Lock()
        _registry.append(self)

    def get(self) -> T:
        """Return the value, made or refreshed first where that is due."""
        value = self._value
        if value is None or settings.REFRESH_SECONDS == 0:
            return self.update()
        return value

    def peek(self) -> T | None:
        """Return the value as it is, None before the first refresh."""
        return self._value

    def update(self) -> T:
        """Refresh now and return the value."""
        with self._lock:
            self._value = self._refresh(self._value)
            self.refreshed_at = time.monotonic()
            return self._value

    def reset(self) -> None:
        """Forget the value."""
        self._value = None


def reset_all() -> None:
    """Forget everything (tests)."""
    for live in _registry:
        live.reset()


def refresh_all() -> None:
    """Refresh everything; a failure keeps the old value and is logged."""
    for live in _registry:
        try:
            live.update()
        except Exception:
            logger.exception("could not refresh %s; the old state stays", live.name)


def ages_seconds() -> dict[str, float]:
    """Return how long ago each thing was refreshed."""
    now = time.monotonic()
    return {live.name: now - live.refreshed_at for live in _registry if live.refreshed_at}


def start_refreshing() -> None:
    """Refresh everything in a daemon thread, for ever."""
    if settings.REFRESH_SECONDS:
        later.serve()
        threading.Thread(target=_refresh_for_ever, name="live-refresh", daemon=True).start()


def _refresh_for_ever() -> None:
    while True:
        close_old_connections()
        refresh_all()
        later.do_wanted()
        time.sleep(settings.REFRESH_SECONDS)
