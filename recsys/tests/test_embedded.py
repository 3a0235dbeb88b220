"""Periodic work in the web process itself, when there is no Redis."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from apps.content.tests.factories import make_content
from apps.core.tests.processes import env_of_test, request, served
from apps.features.models import Session

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
_EVENT = {"type": "like", "user_id": "alice", "content_id": "v1"}


def sessions_lag(port: int) -> float:
    text = request(port, "GET", "/metrics")[1]
    found = re.search(r'recsys_consumer_lag_seconds\{consumer="sessions"\} (\S+)', text)
    assert found is not None
    return float(found[1])


def test_server_alone_keeps_sessions(api: Any, tmp_path: Path) -> None:
    make_content("v1")
    with served(env_of_test(tmp_path)) as port:
        posted = request(port, "POST", "/api/v1/events", [_EVENT], api.key)
        assert posted[0] == 202, posted
        deadline = time.monotonic() + 120
        while not Session.objects.exists():
            assert time.monotonic() < deadline, "no task took the event"
            time.sleep(0.1)
        assert sessions_lag(port) == 0
