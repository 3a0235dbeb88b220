"""How far behind consumers are, and that it shows while they stand still."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.content.tests.factories import NOW_MS, make_content
from apps.core import live
from apps.core.clock import now_ms
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.features import selectors as features
from apps.features.lag import lags_seconds
from apps.features.models import Watermark
from apps.features.sessions import keep_up
from apps.features.trends import buckets

# Committed: on PostgreSQL a consumer sees no event of a transaction that is still running.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _content(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are about this one; those about others would wait in the quarantine."""
    make_content("v1")
    started(monkeypatch, 1000)


def started(monkeypatch: pytest.MonkeyPatch, seconds_ago: float) -> None:
    """Let this process have started then."""
    monkeypatch.setattr("apps.features.lag._STARTED_MS", now_ms() - round(seconds_ago * 1000))


def received(seconds_ago: float, event_id: str = "e") -> None:
    at_ms = now_ms() - round(seconds_ago * 1000)
    send(make_event(at_ms=at_ms, event_id=event_id), now_ms=at_ms)


def test_nothing_is_behind_an_empty_log() -> None:
    assert lags_seconds() == {"sessions": 0.0, "trends": 0.0}


def test_lag_is_the_age_of_the_first_event_that_was_not_taken() -> None:
    received(500, "old")
    received(100, "new")

    assert lags_seconds()["sessions"] == pytest.approx(500, abs=5)


def test_lag_ends_when_everything_is_taken() -> None:
    received(500)
    keep_up()

    assert lags_seconds()["sessions"] == 0


def test_lag_of_a_consumer_that_stands_still_grows(monkeypatch: Any) -> None:
    received(100)
    first = lags_seconds()["sessions"]
    later = now_ms() + 50_000
    monkeypatch.setattr("apps.features.lag.now_ms", lambda: later)

    assert lags_seconds()["sessions"] == pytest.approx(first + 50, abs=5)


def test_imported_event_is_no_older_than_what_the_consumer_had_seen() -> None:
    keep_up()
    Watermark.objects.update(caught_up_ms=now_ms() - 30_000)
    send(make_event(at_ms=NOW_MS))  # received years ago, as imports say

    assert lags_seconds()["sessions"] == pytest.approx(30, abs=5)


def test_consumer_that_never_ran_is_behind_since_the_process_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started(monkeypatch, 20)
    send(make_event(at_ms=NOW_MS))  # received years ago, as imports say

    assert lags_seconds()["trends"] == pytest.approx(20, abs=5)


def test_counters_are_those_of_this_process(settings: Any) -> None:
    settings.REFRESH_SECONDS = 1
    features.stats()
    assert lags_seconds()["counters"] == 0

    received(0.5)

    assert lags_seconds()["counters"] > 0
    live.refresh_all()
    assert lags_seconds()["counters"] == 0


def test_lag_costs_an_indexed_query_a_consumer() -> None:
    received(100)

    with CaptureQueriesContext(connection) as queries:
        lags_seconds()

    asked = [q["sql"] for q in queries if "events_event" in q["sql"]]
    assert len(asked) == 2  # sessions and trends
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + asked[0]) if connection.vendor == "sqlite" else (
            cursor.execute("SET enable_seqscan = off"),
            cursor.execute("EXPLAIN " + asked[0]),
        )
        plan = str(cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")
    assert "event_by_commit" in plan


class TestTold:
    def test_metrics_tell_the_lag_of_each_consumer(self, client: Any) -> None:
        received(500)

        text = client.get("/metrics").text

        line = next(x for x in text.splitlines() if x.startswith("recsys_consumer_lag_seconds{"))
        assert 'consumer="sessions"' in line
        assert float(line.split()[1]) == pytest.approx(500, abs=10)

    def test_readiness_names_who_is_more_than_a_minute_behind(self, client: Any) -> None:
        received(70)
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert "sessions is 7" in answer.json()["degraded"]["consumers"]

        keep_up()
        buckets.keep_up(NOW_MS)

        assert "consumers" not in client.get("/readyz").json()["degraded"]

    def test_readiness_is_silent_about_less(self, client: Any) -> None:
        received(30)

        assert "consumers" not in client.get("/readyz").json()["degraded"]
        assert Event.objects.count() == 1
