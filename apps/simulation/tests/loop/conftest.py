"""A clock that a test may move, and requests that leave its transaction open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from apps.core import clock
from apps.simulation.types import WorldParams

_SIGNALS = (request_started, request_finished)


@pytest.fixture
def virtual_clock(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the test set the time, and say when state is refreshed; the real one comes back."""
    settings.REFRESH_SECONDS = 1
    monkeypatch.setattr(clock, "_virtual_ms", 0)
    monkeypatch.setenv("RECSYS_VIRTUAL_MS", str(WorldParams().end_ms))
    # As Django's own test client does: a request must not close the connection of the test.
    for signal in _SIGNALS:
        signal.disconnect(close_old_connections)
    yield
    for signal in _SIGNALS:
        signal.connect(close_old_connections)
