"""Processes beside a test: they see its database, of which only what is committed."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from apps.core.tests.redis_server import free_port

MANAGE = str(settings.BASE_DIR / "manage.py")


def env_of_test(var_dir: Path, *, redis_url: str = "") -> dict[str, str]:
    """Return the environment of a process on the test's database, with a folder of its own."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{at['NAME']}"
    else:
        who = f"{at['USER']}:{at['PASSWORD']}".rstrip(":")
        url = f"postgres://{who}@{at['HOST']}:{at['PORT'] or 5432}/{at['NAME']}"
    given = {"DATABASE_URL": url, "RECSYS_VAR_DIR": str(var_dir), "REDIS_URL": redis_url}
    return {**os.environ, **given}


def python(code: str, env: dict[str, str]) -> subprocess.Popen[str]:
    """Start code in a process of its own, in which Django is set up; what it prints is piped."""
    shell = [sys.executable, MANAGE, "shell", "--no-imports", "-v0", "-c", code]
    return subprocess.Popen(
        shell, env=env, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )


@contextmanager
def served(env: dict[str, str]) -> Iterator[int]:
    """Serve the product in a process of its own; give the port."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "granian"), "--interface", "wsgi", "--no-ws"]
    command += ["--blocking-threads", "4", "--log-level", "error", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "recsys.wsgi:application"], env=env, cwd=settings.BASE_DIR
    )
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                request(port, "GET", "/healthz")
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline, "the server did not answer"
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def request(port: int, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
    """Return the status and the answer, a text where it is no JSON."""
    peer = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    peer.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = peer.getresponse()
    text = answer.read().decode()
    peer.close()
    is_json = "json" in answer.headers.get_content_type()
    return answer.status, json.loads(text) if is_json else text
