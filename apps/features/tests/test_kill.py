"""kill -9 within a batch: nothing is lost and nothing counts twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import Sum

from apps.content.tests.factories import NOW_MS, make_contents
from apps.core.tests.processes import env_of_test, python
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.features.models import Session, Watermark

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

BATCH = 20
_CONSUMER = """
import time
from apps.features.consumers import consume
from apps.features.sessions import CONSUMER, keep_sessions
batches = 0
def handle(log):
    global batches
    keep_sessions(log)
    batches += 1
    if batches == {number}:
        print("written, not committed", flush=True)
        time.sleep(600)
while consume(CONSUMER, handle, limit={batch}):
    pass
"""


def kill_within_batch(env: dict[str, str], number: int) -> None:
    """Consume in a process of its own and kill it when the batch is written, not committed."""
    with python(_CONSUMER.format(number=number, batch=BATCH), env) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.kill()
    assert said == "written, not committed\n"


def counted() -> tuple[int, int]:
    """Return how many events the sessions have and how many the watermark has passed."""
    mark = Watermark.objects.get(consumer="sessions")
    n_events: int = Session.objects.aggregate(n=Sum("n_events"))["n"] or 0
    return n_events, Event.objects.filter(id__lte=mark.event_id).count()


def test_killed_consumer_leaves_whole_batches_and_its_successor_the_rest(tmp_path: Path) -> None:
    env = env_of_test(tmp_path)
    make_contents(5)
    for start in range(0, 300, 50):
        send(
            *(
                make_event(
                    ("view", "like")[i % 2],
                    NOW_MS - (i * 37 % 300) * 400_000,
                    user_id=f"user{i % 7}",
                    content_id=f"v{i % 5}",
                    watch_duration=i,
                    event_id=f"e{i}",
                )
                for i in range(start, start + 50)
            )
        )

    kill_within_batch(env, 4)

    assert counted() == (3 * BATCH, 3 * BATCH)
    kill_within_batch(env, 2)
    assert counted() == (4 * BATCH, 4 * BATCH)
    call_command("rebuild", "--check")  # exits where something differs from the log
    assert counted() == (300, 300)
