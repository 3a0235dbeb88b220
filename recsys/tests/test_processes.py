"""A process that is killed, and threads that race, on a database that outlives them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.content.models import Content
from apps.content.services import upsert_contents
from apps.content.tests.factories import NOW_MS
from apps.content.types import ContentMetadata, ContentRow
from apps.core.tests.processes import env_of_test, python
from apps.events.models import Event, QuarantinedEvent
from apps.events.validation import key_of_id

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

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


def n_stored(batch: int) -> int:
    """Return how many of the 50 events of a batch are stored, half of them in quarantine."""
    keys = [key_of_id(f"{batch}-{i}") for i in range(50)]
    return sum(m.objects.filter(event_key__in=keys).count() for m in (Event, QuarantinedEvent))


@pytest.mark.parametrize("n_acknowledged", [1, 17])
def test_killed_process_loses_nothing_that_it_acknowledged(
    n_acknowledged: int, tmp_path: Path
) -> None:
    with python(INGEST_FOR_EVER, env_of_test(tmp_path)) as process:
        assert process.stdout is not None
        try:
            said = [process.stdout.readline() for _ in range(n_acknowledged)]
        finally:
            process.kill()  # in the middle of the next batch
            rest = process.stdout.read().split()
            process.wait(20)

    n_said = len(said) + len(rest)
    found = [n_stored(batch) for batch in range(n_said + 2)]

    assert int([*said, *rest][-1]) == n_said - 1
    assert found[:n_said] == [50] * n_said
    assert set(found[n_said:]) <= {0, 50}  # a batch is there whole or not at all


def test_first_upserts_at_once_lose_no_field() -> None:
    said = [{"category": "dance"}, {"language": "en"}, {"description": "text"}, {"duration": 5.0}]
    start = threading.Barrier(len(said))

    def work(metadata: dict[str, Any]) -> None:
        try:
            for n in range(15):
                start.wait(60)
                row = ContentRow(f"v{n}", "bob", metadata=ContentMetadata(**metadata))
                upsert_contents([row], now_ms=NOW_MS)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(metadata,)) for metadata in said]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    rows = Content.objects.values_list("category", "language", "description", "duration_seconds")
    assert list(rows) == [("dance", "en", "text", 5.0)] * 15
