"""What benchmarks share: a server of their own, a client, a table."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with what every benchmark takes."""
    made = argparse.ArgumentParser(description=doc)
    made.add_argument("--json", type=Path, help="also write the figures here")
    return made


def report(name: str, figures: dict[str, Any], json_path: Path | None) -> None:
    """Print the figures as a table and write them where asked."""
    width = max(len(key) for key in figures)
    print(f"\n{name}")
    for key, value in figures.items():
        print(
            f"  {key:<{width}}  {value:,.3f}"
            if isinstance(value, float)
            else f"  {key:<{width}}  {value}"
        )
    if json_path:
        json_path.write_text(json.dumps(figures, indent=1))


@contextmanager
def workspace(postgresql: str | None = None) -> Iterator[dict[str, str]]:
    """Give the environment of an empty installation that is thrown away.

    On SQLite, or in a database of its own beside the one that the URL `postgresql` names.
    """
    folder = tempfile.mkdtemp(prefix="recsys-bench-")
    env = {**os.environ, "RECSYS_VAR_DIR": folder, "PYTHONPATH": str(ROOT)}
    env.pop("DATABASE_URL", None)
    env.pop("REDIS_URL", None)
    name = f"bench_{uuid.uuid4().hex[:12]}"
    try:
        if postgresql:
            _execute(postgresql, f"CREATE DATABASE {name}")
            env["DATABASE_URL"] = urlsplit(postgresql)._replace(path=f"/{name}").geturl()
            env["RECSYS_EMBEDDED_WORKER"] = "0"  # in production workers are processes of their own
        manage(env, "migrate", "--verbosity", "0")
        yield env
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if "DATABASE_URL" in env:
            _execute(postgresql or "", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def postgresql_url() -> str | None:
    """Return the URL of the PostgreSQL that the environment names, None if none answers."""
    url = os.environ.get("TEST_DATABASE_URL") or os.environ.get("DATABASE_URL") or ""
    if not url.startswith("postgres"):
        return None
    try:
        _execute(url, "SELECT 1")
    except psycopg.OperationalError:
        return None
    return url


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement)


def fill_events(env: dict[str, str], n: int) -> None:
    """Add n synthetic events of the viewers and contents that there are, over two weeks."""
    manage(
        env, "shell", "--no-imports", "-v0", "-c", f"from benchmarks.fill import fill; fill({n})"
    )


def manage(env: dict[str, str], *arguments: str) -> str:
    """Run a management command and return what it prints."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip()


@contextmanager
def server(env: dict[str, str]) -> Iterator[int]:
    """Serve `benchmarks.server` as the README serves the product; give the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(BIN / "granian"), "--interface", "wsgi", "--workers", "1", "--no-ws"]
    command += ["--blocking-threads", "4", "--log-level", "error", "--port", str(port)]
    process = subprocess.Popen([*command, "benchmarks.server:application"], env=env, cwd=ROOT)
    try:
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the server ended before it answered")
        try:
            Client(port, "").request("GET", "/healthz")
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError("the server did not answer within two minutes")


class Client:
    """One kept-alive connection with a key."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send one request and return status and body."""
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def timed(self, method: str, path: str, body: bytes | None = None) -> float:
        """Send one request and return its milliseconds; anything but 2xx ends the benchmark."""
        start = time.perf_counter()
        status, answer = self.request(method, path, body)
        elapsed = (time.perf_counter() - start) * 1000
        if not 200 <= status < 300:
            raise RuntimeError(f"{method} {path}: {status} {answer[:300]!r}")
        return elapsed
