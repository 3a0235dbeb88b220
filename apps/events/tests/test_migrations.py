"""Waiting events of an existing installation move into the quarantine, and back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.content.tests.factories import NOW_MS, make_content
from apps.events.models import Event, QuarantinedEvent
from apps.events.types import EventFlag, EventType
from apps.profiles.pseudonyms import pseudonym
from apps.profiles.selectors import profile

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = ("events", "0002_device_and_network")
AFTER = ("events", "0005_remove_event_content_key")


@pytest.fixture
def migrate_to() -> Iterator[Callable[[tuple[str, str]], Any]]:
    """Return what migrates the events to a state and gives its models; all is put back."""

    def migrate(target: tuple[str, str]) -> Any:
        executor = MigrationExecutor(connection)
        executor.migrate([target])
        return MigrationExecutor(connection).loader.project_state([target]).apps

    yield migrate
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def waiting(models: Any, viewer: Any, **given: Any) -> None:
    row = {
        "event_key": uuid.uuid4(),
        "kind": EventType.VIEW,
        "viewer": viewer,
        "content_key": "v1",
        "occurred_ms": NOW_MS - 5,
        "received_ms": NOW_MS,
    }
    models.get_model("events", "Event").objects.create(**row | given)


COLUMNS = [
    "event_key",
    "kind",
    "occurred_ms",
    "received_ms",
    "watch_seconds",
    "flags",
    "surface",
    "utc_offset_minutes",
    "device",
    "network_ms",
    "request_id",
    "info",
]


@pytest.fixture
def old(migrate_to: Callable[..., Any]) -> Any:
    models = migrate_to(BEFORE)
    alice = models.get_model("profiles", "Viewer").objects.create(pseudonym=pseudonym("alice"))
    bob = models.get_model("profiles", "Creator").objects.create(creator_id="bob")
    waiting(
        models,
        alice,
        watch_seconds=7.5,
        flags=EventFlag.LONG_VIEW,
        surface=3,
        utc_offset_minutes=330,
        device=2,
        network_ms=80.0,
        request_id=uuid.uuid4(),
        info={"comment_text": "Great!"},
    )
    waiting(models, alice, kind=EventType.FOLLOW)
    waiting(models, alice, kind=EventType.FOLLOW, creator=bob, content_key="v2")
    return models


def test_waiting_events_move_and_enter_as_they_were(
    old: Any, migrate_to: Callable[..., Any]
) -> None:
    rows = old.get_model("events", "Event").objects.filter(content_key="v1")
    expected = list(rows.order_by("event_key").values(*COLUMNS))

    migrate_to(AFTER)
    assert (Event.objects.count(), QuarantinedEvent.objects.count()) == (0, 3)
    make_content("v1", "carl")

    assert list(Event.objects.order_by("event_key").values(*COLUMNS)) == expected
    assert QuarantinedEvent.objects.get().body["creator_id"] == "bob"  # type: ignore[index]
    assert len(profile("alice", at_ms=NOW_MS).stance.followed) == 1


def test_move_back_gives_the_same_rows(old: Any, migrate_to: Callable[..., Any]) -> None:
    columns = [*COLUMNS, "content_key", "viewer_id", "creator_id"]
    rows = old.get_model("events", "Event").objects.order_by("event_key")
    expected = list(rows.values(*columns))

    migrate_to(AFTER)
    again = migrate_to(BEFORE)

    rows = again.get_model("events", "Event").objects.order_by("event_key")
    assert list(rows.values(*columns)) == expected
