"""No hot query reads a large table from end to end: its plans on PostgreSQL, with many rows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.content.models import Content
from apps.content.selectors import catalog, content_keys
from apps.content.tests.factories import DAY_MS, HOUR_MS, NOW_MS, make_content
from apps.events import selectors as events
from apps.events import slates
from apps.events.conf import HISTORY_EVENTS
from apps.events.services import release
from apps.events.tests.factories import make_event, send
from apps.events.types import Dislikes
from apps.feed.checks import SLOTS
from apps.learning import slots
from apps.learning.evaluation.off_policy import logged_slots
from apps.profiles.selectors import profile
from apps.profiles.services import ensure_viewers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="plans of PostgreSQL"),
]

LARGE = (
    "events_event",
    "events_slate",
    "events_quarantinedevent",
    "content_content",
    "profiles_viewer",
    "profiles_creator",
    "profiles_creatorrelation",
)
LAST_SLATE_MS = 20_000 * 10_000_000
FILL = """
INSERT INTO profiles_creator (creator_id, name, created_at)
SELECT 'c' || i, '', now() FROM generate_series(1, 20000) AS i;
INSERT INTO profiles_viewer (pseudonym, age_group, location, language, categories, created_at, updated_at)
SELECT gen_random_uuid(), '', '', '', '[]', now(), now() FROM generate_series(1, 4000) AS i;
INSERT INTO content_content (content_id, creator_id, status, category, language, tags, description,
    media_url, uploaded_ms, changed_ms)
SELECT 'f' || i, (SELECT min(id) FROM profiles_creator) + i % 4000, 'active', '', '', '[]', '', '', 1, i
FROM generate_series(1, 8000) AS i;
INSERT INTO profiles_creatorrelation (viewer_id, creator_id, kind, is_active, changed_ms)
SELECT v.id, (SELECT min(id) FROM profiles_creator) + (v.id * 7 + i) % 4000, 1, true, 1
FROM profiles_viewer AS v, generate_series(1, 3) AS i;
INSERT INTO events_event (event_key, kind, viewer_id, content_id, occurred_ms, received_ms, flags,
    surface, utc_offset_minutes, device)
SELECT gen_random_uuid(), 1 + i % 4, (SELECT min(id) FROM profiles_viewer) + i % 4000,
    (SELECT min(id) FROM content_content) + (i * 7919) % 8000, i * 10, i * 10, 0, 0, 0, 0
FROM generate_series(1, 100000) AS i;
INSERT INTO events_slate (id, viewer_id, feed_session, served_ms, first_position, surface, ranker,
    variant, content_pks, scores, sources, propensities, feature_schema, features)
SELECT gen_random_uuid(), (SELECT min(id) FROM profiles_viewer) + i % 4000, gen_random_uuid(), i * 10000000::bigint, 0, 0,
    'r', '', '', '', '', '', '', '' FROM generate_series(1, 20000) AS i;
INSERT INTO events_quarantinedevent (reason, detail, event_key, digest, kind_name, content_key,
    size_bytes, received_ms, last_received_ms, times_seen)
SELECT 'too-old', '', gen_random_uuid(), gen_random_uuid(), 'view', 'w' || i % 5000, 9, i, i, 1
FROM generate_series(1, 20000) AS i;
"""


@pytest.fixture(scope="module")
def filling(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Fill the tables once, in a transaction around those of the tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(FILL)
            cursor.execute("ANALYZE " + ", ".join(LARGE))
        connection.check_constraints()  # once: else each test would check every row at its end
        yield
        transaction.set_rollback(True)


@pytest.fixture
def filled(filling: None, db: None) -> None:
    make_content("v1")
    ensure_viewers(["alice"])
    catalog()


def plans(work: Callable[[], Any]) -> str:
    """Return the plans of all statements on large tables that `work` runs."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        work()
    found = []
    with connection.cursor() as cursor:
        for statement in (q["sql"] for q in queries):
            if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE")):
                cursor.execute("EXPLAIN " + statement)
                found += [statement[:200], *(line for (line,) in cursor.fetchall())]
    assert found, "nothing was run"
    return "\n".join(found)


def some(n: int) -> list[dict[str, Any]]:
    users = [f"u{i}" for i in range(n)]
    return [
        make_event(event_id=f"e{u}", user_id=u, content_id=f"f{i + 1}") for i, u in enumerate(users)
    ]


WORK: dict[str, Callable[[], Any]] = {
    "history": lambda: events.history(viewer(), catalog(), at_ms=NOW_MS),
    "disliked": lambda: disliked(),
    "served": lambda: slates.served(viewer(), since_ms=NOW_MS - HOUR_MS),
    "since": lambda: events.since((2**40, 5)),
    "seen": lambda: events.seen(viewer()),
    "last check": lambda: SLOTS.rows(viewer(), some_contents(), NOW_MS),
    "profile and relations": lambda: profile("alice", at_ms=NOW_MS),
    "content keys": lambda: content_keys([f"f{i}" for i in range(500)]),
    "ingest": lambda: send(*some(500)),
    "ingest of what waits": lambda: send(*(e | {"content_id": "?"} for e in some(500))),
    "ingest of follows": lambda: send(
        *(
            make_event("follow", user_id=f"u{i}", creator_id=f"c{i}", content_id=None)
            for i in range(200)
        )
    ),
    "ingest of what is refused": lambda: send(
        *(make_event("dance", content_id=str(i)) for i in range(200))
    ),
    "replays": lambda: send(make_event(content_id="v1", watch_duration=5000)),
    "release": lambda: release(["w1", "w2"]),
}
# `shown` and `shown_content` ask the same through a cursor, which keeps its statement to itself.
BY_TIME: dict[str, Callable[[], Any]] = {
    "shadow": lambda: slots.read_slots(
        catalog(), since_ms=LAST_SLATE_MS - DAY_MS, until_ms=LAST_SLATE_MS, share=0.5, most=500
    ),
    "off-policy": lambda: logged_slots(catalog()),
}


def viewer() -> int:
    return ensure_viewers(["alice"])["alice"]


def disliked() -> Dislikes:
    """Return what a viewer hid whose history goes back further than what is read of it."""
    send(*(make_event("like", NOW_MS - 1 - i, content_id="v1") for i in range(HISTORY_EVENTS)))
    history = events.history(viewer(), catalog(), at_ms=NOW_MS)
    return events.disliked(viewer(), catalog(), history, at_ms=NOW_MS)


def some_contents() -> list[int]:
    first = Content.objects.order_by("pk").values_list("pk", flat=True)[0]
    return np.arange(first, first + 24).tolist()


@pytest.mark.parametrize("name", WORK)
def test_no_hot_query_scans_a_large_table(name: str, filled: None) -> None:
    Content.objects.filter(content_id="v1").update(duration_seconds=5)

    found = plans(WORK[name])

    scans = [line for line in found.splitlines() if "Seq Scan" in line]
    assert not [s for s in scans if any(f"on {table} " in f"{s} " for table in LARGE)], found


def test_what_a_viewer_hid_is_read_from_the_index_of_such_events(filled: None) -> None:
    assert "event_against" in plans(disliked)


@pytest.mark.parametrize("name", BY_TIME)
def test_slates_of_a_time_are_read_from_their_index(name: str, filled: None) -> None:
    assert "slate_by_time" in plans(BY_TIME[name])


def test_a_scan_would_be_noticed(filled: None) -> None:
    found = plans(lambda: list(Content.objects.filter(description=str(uuid.uuid4()))))

    assert "Seq Scan on content_content" in found
