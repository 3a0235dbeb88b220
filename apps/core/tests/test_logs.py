"""A message that every request would repeat."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from apps.core.logs import QUIET_SECONDS, Repeats


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what tells whether a message gets through, some seconds from the first."""
    repeats = Repeats()

    def at(seconds: float, message: str, *, level: int = logging.WARNING, name: str = "a") -> bool:
        monkeypatch.setattr("apps.core.logs.time.monotonic", lambda: 1000.0 + seconds)
        record = logging.LogRecord(name, level, __file__, 1, "%s", (message,), None)
        return repeats.filter(record)

    return at


def test_warning_passes_once_a_minute(passes: Any) -> None:
    seconds = (0, 1, QUIET_SECONDS - 0.1, QUIET_SECONDS, QUIET_SECONDS + 1)

    assert [passes(s, "no ranker") for s in seconds] == [True, False, False, True, False]


def test_another_message_or_logger_passes(passes: Any) -> None:
    passes(0, "no ranker")

    assert passes(1, "no bundle")
    assert passes(1, "no ranker", name="b")


def test_errors_always_pass(passes: Any) -> None:
    assert all(passes(s, "source x failed", level=logging.ERROR) for s in (0, 1, 2))


def test_django_speaks_through_one_handler() -> None:
    assert logging.getLogger("django").handlers == []
    assert logging.getLogger("django").propagate
