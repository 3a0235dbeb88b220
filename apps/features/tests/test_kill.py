"""kill -9 within a batch: nothing is lost and nothing counts twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

# The processes of this test see what is committed only.
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).parent.parent.parent.parent
BATCH = 20
_SETUP = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "recsys.settings"
django.setup()
"""
_WORLD = """
from apps.content.tests.factories import NOW_MS, make_contents
from apps.events.tests.factories import make_event, send
make_contents(5)
for start in range(0, 300, 50):
    send(*(
        make_event(
            ("view", "like")[i % 2], NOW_MS - (i * 37 % 300) * 400_000, user_id=f"user{i % 7}",
            content_id=f"v{i % 5}", watch_duration=i, event_id=f"e{i}",
        )
        for i in range(start, start + 50)
    ))
"""
_CONSUMER = """
import sys, time
from apps.features.consumers import consume
from apps.features.sessions import CONSUMER, keep_sessions
batches = 0
def handle(log):
    global batches
    keep_sessions(log)
    batches += 1
    if batches == int(sys.argv[1]):
        print("written, not committed", flush=True)
        time.sleep(60)
while consume(CONSUMER, handle, limit=int(sys.argv[2])):
    pass
"""
_STATE = """
from django.db.models import Sum
from apps.events.models import Event
from apps.features.models import Session, Watermark
mark = Watermark.objects.get(consumer="sessions")
print(Session.objects.aggregate(n=Sum("n_events"))["n"] or 0,
      Event.objects.filter(id__lte=mark.event_id).count())
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Give the environment of a database that other processes can open."""
    made = {**os.environ, "RECSYS_VAR_DIR": str(tmp_path), "REDIS_URL": ""}
    if connection.vendor == "postgresql":
        url = urlsplit(os.environ["DATABASE_URL"])
        name = connection.settings_dict["NAME"]
        made["DATABASE_URL"] = urlunsplit(url._replace(path=f"/{name}"))
    else:
        made.pop("DATABASE_URL", None)
        manage(made, "migrate", "--verbosity", "0")
    return made


def manage(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


def run(env: dict[str, str], code: str) -> str:
    command = [sys.executable, "-c", _SETUP + code]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def kill_within_batch(env: dict[str, str], number: int) -> None:
    """Consume in a process of its own and kill it when the batch is written, not committed."""
    command = [sys.executable, "-c", _SETUP + _CONSUMER, str(number), str(BATCH)]
    with subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written, not committed\n"
        process.kill()


def test_killed_consumer_leaves_whole_batches_and_its_successor_the_rest(env: Any) -> None:
    run(env, _WORLD)

    kill_within_batch(env, 4)

    assert run(env, _STATE).split() == [str(3 * BATCH)] * 2
    kill_within_batch(env, 2)
    assert run(env, _STATE).split() == [str(4 * BATCH)] * 2
    checked = manage(env, "rebuild", "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert run(env, _STATE).split() == ["300", "300"]
