"""The counters follow the log, whatever comes before what."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.content import selectors as content
from apps.content.tests.factories import NOW_MS, make_content, make_contents
from apps.events.models import Event
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
    assert reader.stats.n_events == 0

    make_content("late")
    reader.read_on()

    assert likes(reader.stats, "late") == 3
    assert reader.stats.n_events == 3


def test_content_newer_than_the_catalogue_of_the_process_is_counted(settings: Any) -> None:
    settings.REFRESH_SECONDS = 1  # the catalogue stays as it is until it is refreshed
    make_content("old")
    content.catalog()
    reader = StatsReader()
    make_content("new")
    like("old")
    like("new", 2)

    reader.read_on()

    assert (likes(reader.stats, "old"), likes(reader.stats, "new")) == (1, 2)


def test_reading_on_costs_few_queries() -> None:
    make_contents(2)
    like("v0", 5)
    reader = StatsReader().read_on()

    with CaptureQueriesContext(connection) as queries:
        reader.read_on()

    # the catalogue, the log; on PostgreSQL also three about running transactions
    assert len(queries) <= 6


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
