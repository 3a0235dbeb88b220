"""The strip of lights on the overview: whether each part works."""

from __future__ import annotations

from typing import Literal, NamedTuple

from django.conf import settings
from django.db import connection

from apps.core.artifacts import production_artifact
from apps.core.cache import cache
from apps.core.clock import now_ms
from apps.events.models import QuarantinedEvent
from apps.features.lag import lags_seconds
from apps.insights import selectors

State = Literal["good", "warn", "bad"]
_COUNTED = 10_000  # quarantined events, no further
_FAMILY = "bundle"


class Light(NamedTuple):
    """One part of the system."""

    name: str
    value: str
    state: State
    meaning: str


def lights() -> list[Light]:
    """Return the state of each part; a constant number of queries."""
    return [_database(), _broker(), _worker(), _lag(), _quarantine(), *_bundle()]


def quarantine_size() -> int:
    """Return how many events wait or were refused, at most `_COUNTED`."""
    return QuarantinedEvent.objects.order_by()[:_COUNTED].count()


def bundle_age_hours() -> float | None:
    """Return how old the promoted bundle is; None before the first training."""
    promoted = production_artifact(_FAMILY)
    return (now_ms() / 1000 - promoted.created_at.timestamp()) / 3600 if promoted else None


def lag_seconds() -> float:
    """Return how far the slowest consumer of the log is behind."""
    return max(lags_seconds().values(), default=0.0)


def _database() -> Light:
    return Light("Database", connection.vendor, "good", "answered this page")


def _broker() -> Light:
    if not settings.REDIS_URL:
        return Light("Broker", "in memory", "good", "Celery runs inside this process")
    redis = cache()
    if redis is not None and redis.answers():
        return Light("Broker", "Redis", "good", "answers")
    return Light("Broker", "Redis", "bad", "does not answer; periodic work stands still")


def _worker() -> Light:
    until_ms = selectors.data_until_ms()
    if not until_ms:
        return Light("Worker", "never seen", "bad", "no roll-up was ever made: start a worker")
    seconds = max(now_ms() - until_ms, 0) / 1000
    return Light(
        "Worker", f"{_time(seconds)} ago", _state(seconds, 180, 600), "last had nothing more to do"
    )


def _lag() -> Light:
    seconds = lag_seconds()
    return Light(
        "Ingest lag", _time(seconds), _state(seconds, 60, 600), "oldest event not taken in yet"
    )


def _quarantine() -> Light:
    n = quarantine_size()
    text = f"{n:,}" if n < _COUNTED else f"over {n:,}"
    return Light("Quarantine", text, _state(n, 100, _COUNTED), "events refused or waiting")


def _bundle() -> list[Light]:
    promoted = production_artifact(_FAMILY)
    if promoted is None:
        meaning = "nothing is trained: feeds use rank fusion"
        return [Light("Model", "none", "warn", meaning), Light("Index", "none", "warn", meaning)]
    hours = (now_ms() / 1000 - promoted.created_at.timestamp()) / 3600
    return [
        Light("Model", str(promoted), "good", "the bundle that serves"),
        Light("Index age", _time(hours * 3600), _state(hours, 48, 24 * 7), "since it was built"),
    ]


def _state(value: float, warn: float, bad: float) -> State:
    return "bad" if value >= bad else "warn" if value >= warn else "good"


def _time(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
