"""The counters follow the log, whatever comes before what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.content import selectors as content
from apps.content.tests.factories import NOW_MS, make_content, make_contents
from apps.events import services as events_services
from apps.events.models import Event
from apps.events.services import link_all_events
from apps.events.tests.factories import make_event, send
from apps.features.reader import StatsReader
from apps.features.stats import EVER, Counted, Stats

# Committed: on PostgreSQL a reader sees no event of a transaction that is still running.
pytestmark = pytest.mark.django_db(transaction=True)


def likes(stats: Stats, content_id: str) -> float:
    pk = content.content_keys([content_id])[content_id].pk
    row = stats.catalog.rows_of(np.array([pk]))
    return float(stats.by["content"].at(row, NOW_MS)[0, Counted.LIKE, EVER])


def like(content_id: str, n: int = 1, start: int = 0) -> None:
    send(
        *(
            make_event("like", NOW_MS - i, content_id=content_id, event_id=f"{content_id}-{i}")
            for i in range(start, start + n)
        )
    )


def test_event_that_came_before_its_content_is_counted_when_it_is_there() -> None:
    like("late", 3)
    reader = StatsReader().read_on()
    assert len(reader.waiting) == 3

    make_content("late")
    reader.read_on()

    assert likes(reader.stats, "late") == 3
    assert len(reader.waiting) == 0
    assert reader.stats.n_events == 3


def test_content_that_links_later_than_it_appears_is_counted_once() -> None:
    like("raced", 2)
    make_content("raced")
    # As a race leaves it: event and content committed at the same moment, nothing linked.
    Event.objects.update(content=None, content_key="raced")
    reader = StatsReader().read_on()
    assert likes(reader.stats, "raced") == 0

    link_all_events()
    reader.read_on()
    reader.read_on()

    assert likes(reader.stats, "raced") == 2


def test_content_that_the_catalogue_does_not_know_yet_is_counted_later(settings: Any) -> None:
    settings.REFRESH_SECONDS = 1  # the catalogue stays as it is until it is refreshed
    make_content("old")
    content.catalog()
    reader = StatsReader()
    make_content("new")
    like("old")
    like("new", 2)
    reader.read_on()
    assert likes(reader.stats, "old") == 1

    content.current_catalog()
    reader.read_on()

    assert likes(reader.stats, "new") == 2
    assert len(reader.waiting) == 0


def test_link_between_two_looks_at_the_log_is_not_missed(monkeypatch: Any) -> None:
    like("raced", 2)
    make_content("raced")
    Event.objects.update(content=None, content_key="raced")
    from apps.features import reader as module

    read = module.events.since

    def read_then_link(*args: Any, **given: Any) -> Any:
        found = read(*args, **given)
        link_all_events()
        return found

    monkeypatch.setattr(module.events, "since", read_then_link)

    assert likes(StatsReader().read_on().stats, "raced") == 2


def test_event_without_any_content_waits_for_nothing() -> None:
    send({"type": "follow", "user_id": "alice", "creator_id": "bob"})

    assert len(StatsReader().read_on().waiting) == 0


def test_many_that_wait_are_looked_for_more_rarely_and_still_counted(monkeypatch: Any) -> None:
    monkeypatch.setattr("apps.features.reader._MANY_WAITING", 1)
    like("late", 2)
    reader = StatsReader().read_on()
    make_content("late")

    seen = [likes(reader.read_on().stats, "late") for _ in range(3)]

    assert seen == [0, 2, 2]  # of readings 2, 3 and 4 every third one looks


def test_erased_event_waits_no_more() -> None:
    like("late", 2)
    reader = StatsReader().read_on()
    Event.objects.order_by("id").first().delete()  # type: ignore[union-attr]

    make_content("late")
    reader.read_on()

    assert likes(reader.stats, "late") == 1
    assert len(reader.waiting) == 0


def test_waiting_events_among_others_are_found_exactly() -> None:
    make_contents(2, prefix="known")
    for i in range(9):
        like(("late-a", "known0", "late-b")[i % 3], 1, start=i)
    reader = StatsReader().read_on()

    make_content("late-b")
    reader.read_on()

    assert (likes(reader.stats, "known0"), likes(reader.stats, "late-b")) == (3, 3)
    assert len(reader.waiting) == 3


def test_reading_on_costs_three_queries_when_nothing_waits() -> None:
    make_contents(2)
    like("v0", 5)
    reader = StatsReader().read_on()

    with CaptureQueriesContext(connection) as queries:
        reader.read_on()

    assert len(queries) <= 3


def test_whole_log_and_parts_agree(monkeypatch: Any) -> None:
    monkeypatch.setattr("apps.features.reader._PART", 2)
    make_contents(3)
    like("v0", 5)
    like("late", 4)
    in_parts = StatsReader().read_on()
    make_content("late")
    in_parts.read_on()

    assert likes(in_parts.stats, "v0") == 5
    assert likes(in_parts.stats, "late") == 4
    assert in_parts.stats.n_events == Event.objects.count() == 9
    assert events_services.link_all_events() == 0
