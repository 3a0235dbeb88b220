"""Journeys across the apps, over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps as registry
from django.db import connection

from apps.content.tests.factories import make_contents
from apps.core.auth import client_token
from apps.core.clock import now_ms
from apps.events.models import Event
from apps.features import selectors as features
from apps.features.stats import EVER, Counted
from apps.feed.tests.factories import SKIPPED_BEFORE_TRAINING
from apps.profiles.pseudonyms import pseudonym

RAW_ID = "alice-4711-raw-user-id"


def every_stored_value() -> list[str]:
    """Return all values of all columns of all tables as text."""
    values = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            values += [_as_text(value) for row in cursor.fetchall() for value in row]
    return values


def _as_text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("latin-1")
    return str(value)


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["content_id"] for item in answer.json()["items"]]


def event(kind: str, user_id: str = "alice", **given: Any) -> dict[str, Any]:
    return {"type": kind, "user_id": user_id, **given}


def test_raw_user_id_is_in_no_column_of_no_table(api: Any) -> None:
    make_contents(12, now_ms=now_ms())
    user = {
        "demographics": {"age_group": "25-34", "location": "DE", "language": "de"},
        "preferences": {"categories": ["news"], "creators_followed": ["creator1"]},
    }

    assert api.put(f"users/{RAW_ID}", user).status_code == 204
    for kind in ("view", "like", "comment", "share", "hide", "report", "follow"):
        body = event(kind, RAW_ID, content_id="v1", comment_text="Great!", platform="x")
        assert api.post("events", body).status_code == 202
    page = api.get("feed", user_id=RAW_ID).json()
    api.get("feed", user_id=RAW_ID, cursor=page["next_cursor"])
    api.post("client-tokens", {"user_id": RAW_ID})

    stored = every_stored_value()
    assert any("Great!" in value for value in stored)
    assert not [value for value in stored if RAW_ID in value]
    assert pseudonym(RAW_ID).hex in {value.replace("-", "") for value in stored}


def test_raw_user_id_is_in_no_log(api: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="apps")
    make_contents(3, now_ms=now_ms())

    api.post("events", event("view", RAW_ID, content_id="v1"))
    api.get("feed", user_id=RAW_ID)

    ours = [r for r in caplog.records if r.name.startswith("apps.")]
    assert ours
    assert not [r for r in ours if RAW_ID in r.getMessage()]


def test_every_text_column_is_covered_by_the_scan() -> None:
    tables = {model._meta.db_table for model in registry.get_models()}

    assert {"events_event", "events_slate", "profiles_viewer", "content_content"} <= tables


def test_new_app_from_its_first_upload_to_its_first_scroll(api: Any) -> None:
    upload = {
        "type": "content_upload",
        "creator_id": "bob",
        "metadata": {"description": "A dance", "tags": ["dance"], "duration": 12},
    }
    uploads = [{**upload, "content_id": f"v{i}"} for i in range(15)]
    assert api.post("events", uploads).json()["accepted"] == 15

    token = api.post("client-tokens", {"user_id": "alice"}).json()["token"]
    device = type(api)(token)
    page = device.get("feed", user_id="alice", limit=5)
    first = ids(page)
    watched = [event("view", content_id=c, watch_duration=12) for c in first]
    assert device.post("events", watched).json()["accepted"] == 5

    rest = device.get("feed", user_id="alice", cursor=page.json()["next_cursor"], limit=50)

    assert sorted(first + ids(rest)) == sorted(f"v{i}" for i in range(15))
    assert rest.json()["degraded"] == SKIPPED_BEFORE_TRAINING


def test_follow_hide_and_removal_hold_from_the_next_request_on(api: Any) -> None:
    made = make_contents(12, creators=6, now_ms=now_ms())
    assert set(ids(api.get("feed", user_id="alice", limit=50))) == set(made)

    api.post("events", event("hide", "carol", creator_id="creator2"))
    api.put("content/v0", {"status": "hidden"})

    assert set(ids(api.get("feed", user_id="carol", limit=50))) == set(made) - {"v0", "v2", "v8"}


def test_event_of_a_device_cannot_change_another_viewers_feed(api: Any) -> None:
    make_contents(6, creators=3, now_ms=now_ms())
    mallory = type(api)(client_token("mallory", ttl_seconds=60))

    refused = mallory.post("events", event("hide", "alice", creator_id="creator1"))

    assert refused.status_code == 422
    assert len(ids(api.get("feed", user_id="alice"))) == 6


@pytest.mark.django_db(transaction=True)
def test_counters_follow_the_log_and_popular_contents_rise(api: Any) -> None:
    make_contents(150, creators=75, now_ms=now_ms())
    loved = [event("view", f"user{i}", content_id="v0", watch_duration=20) for i in range(30)]
    api.post("events", loved)

    answer = api.get("feed", user_id="alice")

    counters = features.stats().by["content"]
    assert counters.all_at(Counted.LONG_VIEW, EVER, now_ms())[0] == 30
    assert "v0" in ids(answer)  # the oldest: nothing but its views brings it here
    sources = {item["content_id"]: item["source"] for item in answer.json()["items"]}
    assert sources["v0"] == "popular_6h"


@pytest.mark.django_db(transaction=True)
def test_counters_read_on_count_every_event_once(api: Any) -> None:
    make_contents(3, now_ms=now_ms())
    for batch in range(4):
        events = [event("view", content_id="v1", event_id=f"{batch}-{i}") for i in range(5)]
        api.post("events", events)
        features.stats()
        api.post("events", events)

    assert features.stats().n_events == 20 == Event.objects.count()
    assert features.StatsReader().read_on().stats.n_events == 20
