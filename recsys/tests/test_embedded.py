"""Periodic work in the web process itself, when there is no Redis."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recsys.tests.test_redis_faults import ROOT, request, served

_EVENT = {"type": "like", "user_id": "alice", "content_id": "v1"}


def sessions_lag(port: int) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(r'recsys_consumer_lag_seconds\{consumer="sessions"\} (\S+)', text)
    assert found is not None
    return float(found[1])


@pytest.mark.slow
def test_server_alone_keeps_sessions(tmp_path: Path) -> None:
    env = {**os.environ, "RECSYS_VAR_DIR": str(tmp_path), "REDIS_URL": ""}
    env.pop("DATABASE_URL", None)
    manage = [sys.executable, str(ROOT / "manage.py")]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], env=env, cwd=ROOT, check=True)
    made = subprocess.run(
        [*manage, "create_key", "tests"], env=env, cwd=ROOT, check=True, capture_output=True
    )
    key = made.stdout.decode().split()[-1]
    with served(env) as port:
        posted = request(port, "POST", "/api/v1/events", [_EVENT], key)
        assert posted[0] == 202, posted
        deadline = time.monotonic() + 60
        while sessions_lag(port) > 0:
            assert time.monotonic() < deadline, "no task took the event within a minute"
            time.sleep(0.5)
