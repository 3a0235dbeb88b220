"""Redis as an optional cache: a failure of any kind is a miss, and costs next to nothing.

Nothing depends on it. Values are sealed (`apps.core.sealed`), so that what is cut, altered or of
another version is a miss too; after a failure nobody tries for `PAUSE_SECONDS`, then one does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from apps.core.metrics import CACHE
from apps.core.sealed import SealError, seal, unseal

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 0.1
PAUSE_SECONDS = 3.0
MAX_BYTES = 64 * 2**20  # larger values are not stored
KEPT_SECONDS = 24 * 3600
T = TypeVar("T")


class Cache:
    """One Redis behind a circuit breaker."""

    def __init__(self, url: str) -> None:
        # Without retries: the client's own would multiply the time-out.
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._lock = threading.Lock()
        self._closed_until: float | None = None  # monotonic; None while Redis answers

    def get(self, key: str, *, version: str) -> bytes | None:
        """Return what was put under the key and version, None when it cannot be had."""
        # Never more than one byte over the limit, however large what lies there is.
        sealed: Any = self._attempt(lambda: self._redis.getrange(key, 0, MAX_BYTES))
        if sealed is None:
            return None
        if not sealed:
            CACHE.labels("miss").inc()
            return None
        try:
            payload = unseal(sealed, version=version)
        except SealError as error:
            logger.warning("cached %s is not used: %s", key, error)
            CACHE.labels("garbled").inc()
            return None
        CACHE.labels("hit").inc()
        return payload

    def put(self, key: str, payload: bytes, *, version: str) -> bool:
        """Store the payload for a day; say whether Redis took it."""
        sealed = seal(payload, version=version)
        if len(sealed) > MAX_BYTES:
            CACHE.labels("too_large").inc()
            return False
        is_stored = self._attempt(lambda: self._redis.set(key, sealed, ex=KEPT_SECONDS))
        if is_stored:
            CACHE.labels("stored").inc()
        return bool(is_stored)

    def answers(self) -> bool:
        """Say whether Redis answers; False without a try while the circuit is open."""
        return bool(self._attempt(self._redis.ping))

    def _attempt(self, ask: Callable[[], T]) -> T | None:
        """Ask Redis, unless it has just failed."""
        if not self._may_try():
            CACHE.labels("skipped").inc()
            return None
        try:
            answer = ask()
        except Exception as error:  # whatever a broken server makes the client raise
            self._closed_until = time.monotonic() + PAUSE_SECONDS
            CACHE.labels("error").inc()
            logger.warning("Redis failed (%s); no cache for %s s", error, PAUSE_SECONDS)
            return None
        self._closed_until = None
        return answer

    def _may_try(self) -> bool:
        """Say whether to ask; after a pause only the first who asks is let through."""
        with self._lock:
            if self._closed_until is None:
                return True
            if time.monotonic() < self._closed_until:
                return False
            self._closed_until = time.monotonic() + PAUSE_SECONDS
            return True


def cache() -> Cache | None:
    """Return the cache, None where no Redis is configured."""
    return _cache_at(settings.REDIS_URL) if settings.REDIS_URL else None


_cache_at = lru_cache(maxsize=4)(Cache)
