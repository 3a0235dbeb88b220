"""Processes that are killed or race, on a database that outlives them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parent.parent.parent

INGEST_FOR_EVER = """
import itertools, json, time
from apps.content.services import upsert_contents
from apps.content.types import ContentRow
from apps.events.services import IngestRules, ingest
now = int(time.time() * 1000)
upsert_contents([ContentRow("v1", "bob")], now_ms=now)
for n in itertools.count():
    events = [
        {"type": "view", "user_id": f"u{i % 7}", "content_id": f"v{i % 2}", "event_id": f"{n}-{i}"}
        for i in range(50)
    ]
    ingest([json.dumps(e).encode() for e in events], IngestRules(now_ms=now))
    print(n, flush=True)
"""
COUNT = """
import json
from apps.events.models import Event, QuarantinedEvent
from apps.events.validation import key_of_id
stored = set(Event.objects.values_list("event_key", flat=True))
stored |= set(QuarantinedEvent.objects.values_list("event_key", flat=True))
print(json.dumps([sum(key_of_id(f"{n}-{i}") in stored for i in range(50)) for n in range(N_BATCHES)]))
"""
RACE = """
import json, threading, time
from django.db import connection
from apps.content.models import Content
from apps.content.services import upsert_contents
from apps.content.types import ContentMetadata, ContentRow
said = [{"category": "dance"}, {"language": "en"}, {"description": "text"}, {"duration": 5.0}]
start = threading.Barrier(len(said))
def work(metadata):
    try:
        for n in range(15):
            start.wait(30)
            row = ContentRow(f"v{n}", "bob", metadata=ContentMetadata(**metadata))
            upsert_contents([row], now_ms=int(time.time() * 1000))
    finally:
        connection.close()
threads = [threading.Thread(target=work, args=(m,)) for m in said]
[t.start() for t in threads]
[t.join() for t in threads]
rows = Content.objects.values_list("category", "language", "description", "duration_seconds")
print(json.dumps(sorted(map(list, rows))))
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Return the environment of processes: the test's PostgreSQL, or a SQLite file of its own."""
    made = {**os.environ, "RECSYS_VAR_DIR": str(tmp_path)}
    made.pop("DATABASE_URL", None)
    made.pop("REDIS_URL", None)
    if connection.vendor == "postgresql":
        at = connection.settings_dict
        who = f"{at['USER']}:{at['PASSWORD']}".rstrip(":")
        made["DATABASE_URL"] = f"postgres://{who}@{at['HOST']}:{at['PORT'] or 5432}/{at['NAME']}"
    else:
        manage(made, "migrate", "--verbosity", "0")
    return made


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def manage(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        command(*arguments), env=env, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def python(env: dict[str, str], code: str) -> Any:
    return json.loads(manage(env, "shell", "--no-imports", "-v0", "-c", code).splitlines()[-1])


@pytest.mark.parametrize("n_acknowledged", [1, 17])
def test_killed_process_loses_nothing_that_it_acknowledged(
    n_acknowledged: int, env: dict[str, str]
) -> None:
    shell = command("shell", "--no-imports", "-v0", "-c", INGEST_FOR_EVER)
    process = subprocess.Popen(shell, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = [process.stdout.readline() for _ in range(n_acknowledged)]
    finally:
        process.kill()  # in the middle of the next batch
        rest = process.stdout.read().split()
        process.wait(20)
        process.stdout.close()

    n_said = len(said) + len(rest)
    found = python(env, COUNT.replace("N_BATCHES", str(n_said + 2)))

    assert int([*said, *rest][-1]) == n_said - 1
    assert found[:n_said] == [50] * n_said
    assert set(found[n_said:]) <= {0, 50}  # a batch is there whole or not at all


def test_first_upserts_at_once_lose_no_field(env: dict[str, str]) -> None:
    assert python(env, RACE) == [["dance", "en", "text", 5.0]] * 15
