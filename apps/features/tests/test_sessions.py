"""Stored sessions: kept event by event, equal to what the whole log says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.content.selectors import catalog
from apps.content.tests.factories import HOUR_MS, NOW_MS, make_content, make_contents
from apps.events import selectors as events
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.features.algorithms.sessions import GAP_MS
from apps.features.consumers import consume
from apps.features.models import Session, Watermark
from apps.features.sessions import CONSUMER, keep_sessions, keep_up, of_events, sessions
from apps.profiles.models import Viewer

# Committed: on PostgreSQL a consumer sees no event of a transaction that is still running.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _content() -> None:
    """Events are about this one; those about others would wait in the quarantine."""
    make_content("v1")


MINUTE = 60_000
DAY_MS = 24 * HOUR_MS


def rows(**given_range: Any) -> list[tuple[int, ...]]:
    return sessions(**given_range).rows()


def of_the_log() -> list[tuple[int, ...]]:
    """Return the sessions of the whole log at once."""
    return of_events(events.log(catalog())).rows()


def send_at(*minutes: float, user: str = "alice", watch: float | None = None) -> None:
    """Send a view at each minute before now and take it in."""
    send(
        *(
            make_event(at_ms=NOW_MS - round(m * MINUTE), user_id=user, watch_duration=watch)
            for m in minutes
        )
    )
    keep_up()


class TestKeeping:
    def test_first_event_opens_a_session(self) -> None:
        send_at(10, watch=12.5)

        start = NOW_MS - 10 * MINUTE
        viewer = Viewer.objects.get().pk
        assert rows() == [(viewer, start, start + 12_500, 1, 1, 0, 12_500)]

    def test_next_event_extends_it(self) -> None:
        send_at(100)
        send_at(80)

        assert [(s.started_ms, s.n_events) for s in Session.objects.all()] == [
            (NOW_MS - 100 * MINUTE, 2)
        ]

    def test_late_event_starts_the_session_earlier(self) -> None:
        send_at(100)
        send_at(120)

        assert Session.objects.get().started_ms == NOW_MS - 120 * MINUTE

    def test_late_event_joins_two_sessions(self) -> None:
        send_at(160, 100)
        assert Session.objects.count() == 2

        send_at(130)

        session = Session.objects.get()
        assert (session.started_ms, session.ended_ms) == (
            NOW_MS - 160 * MINUTE,
            NOW_MS - 100 * MINUTE,
        )
        assert session.n_events == 3

    def test_late_long_view_joins_many(self) -> None:
        send_at(600, 500, 400, 300)
        assert Session.objects.count() == 4

        send_at(610, watch=5 * 3600)

        assert Session.objects.count() == 1

    def test_event_a_millisecond_too_late_opens_another(self) -> None:
        send_at(100)
        send_at(70 - 1 / MINUTE)

        assert Session.objects.count() == 2

    def test_engagements_are_counted_apart(self) -> None:
        kinds = ["view", "like", "comment", "share", "save", "follow", "skip", "unlike", "hide"]
        send(*(make_event(k, NOW_MS - i, event_id=str(i)) for i, k in enumerate(kinds)))
        keep_up()

        session = Session.objects.get()
        assert (session.n_events, session.n_views, session.n_engagements) == (9, 1, 5)

    def test_watch_time_of_other_events_does_not_lengthen(self) -> None:
        send(make_event("complete_view", NOW_MS - HOUR_MS, watch_duration=900))
        keep_up()

        session = Session.objects.get()
        assert (session.ended_ms, session.watch_ms) == (NOW_MS - HOUR_MS, 0)

    def test_events_of_nobody_open_none(self) -> None:
        upload = {"type": "content_upload", "content_id": "v9", "creator_id": "bob"}
        send(upload)
        keep_up()

        assert Event.objects.count() == 1
        assert rows() == []

    def test_same_event_again_changes_nothing(self) -> None:
        send_at(10, watch=5)
        before = rows()

        send_at(10, watch=5)

        assert rows() == before

    def test_other_viewers_and_other_days_are_not_touched(self) -> None:
        send_at(10, user="bob")
        send_at(10 + 2 * 24 * 60)
        keys = set(Session.objects.values_list("pk", flat=True))

        send_at(5)

        assert keys < set(Session.objects.values_list("pk", flat=True))

    @pytest.mark.parametrize("n", [3, 60])
    def test_batch_takes_a_constant_number_of_queries(self, n: int) -> None:
        make_contents(3)
        users = [f"user{i % 20}" for i in range(n)]
        send(
            *(
                make_event(at_ms=NOW_MS - i * 47 * MINUTE, user_id=u, event_id=f"{i}")
                for i, u in enumerate(users)
            )
        )
        log, _ = events.since((0, 0))
        keep_sessions(log.take(slice(0, None, 2)))

        with CaptureQueriesContext(
            connection,
        ) as queries:
            keep_sessions(log.take(slice(1, None, 2)))

        # Django tells a statement for many rows as "30 times: INSERT …".
        told = [q["sql"].split("times: ")[-1] for q in queries if "features_session" in q["sql"]]
        written = [sql.split()[0] for sql in told]
        assert sorted(set(written)) in (["INSERT", "SELECT"], ["DELETE", "INSERT", "SELECT"])
        assert len(written) <= 3


class TestReading:
    def test_range_is_half_open_by_start(self) -> None:
        send_at(300, 200, 100)

        found = rows(after_ms=NOW_MS - 300 * MINUTE, until_ms=NOW_MS - 100 * MINUTE)

        assert [row[1] for row in found] == [NOW_MS - 300 * MINUTE, NOW_MS - 200 * MINUTE]

    def test_one_viewer_can_be_asked_for(self) -> None:
        send_at(10, user="alice")
        send_at(10, user="bob")
        alice = Viewer.objects.order_by("pk").first()
        assert alice is not None

        assert [row[0] for row in rows(viewer=alice.pk)] == [alice.pk]

    def test_nothing_gives_empty_columns(self) -> None:
        assert len(sessions(viewer=7)) == 0
        assert sessions().started_ms.dtype == np.int64


# What a viewer may do: when (minutes on a grid that makes exact pauses common), for how long.
_acts = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob"]),
        st.integers(0, 60).map(lambda tens: tens * 10 * MINUTE),
        st.sampled_from([None, 0.0, 0.001, 600.0, 5400.0]),
        st.sampled_from(["view", "view", "like", "skip"]),
    ),
    max_size=14,
)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(_acts.flatmap(lambda a: st.tuples(st.just(a), st.permutations(a))), st.integers(1, 5))
def test_kept_sessions_are_those_of_the_whole_log(both: tuple, size: int) -> None:
    acts, shuffled = both
    Event.objects.all().delete()
    Session.objects.all().delete()
    Watermark.objects.all().delete()
    sent = [
        make_event(
            kind, NOW_MS - ago, user_id=user, watch_duration=watch, event_id=f"{acts.index(act)}"
        )
        for act in shuffled
        for user, ago, watch, kind in [act]
    ]

    for start in range(0, len(sent), size):
        send(*sent[start : start + size])
        send(*sent[: start + 1])  # retries of what is there
        while consume(CONSUMER, keep_sessions, limit=2):
            pass

    assert rows() == of_the_log()
    assert sum(row[3] for row in rows()) == len(set(acts))


def test_change_to_summer_time_is_no_pause() -> None:
    # 29 March 2026, 00:50 and 01:10 UTC: 01:50 and 03:10 on clocks in Berlin.
    before = 1_774_745_400_000
    rules = {"now_ms": before + HOUR_MS}
    context = {"timezone": "Europe/Berlin"}
    send(make_event(at_ms=before, context=context), **rules)
    send(make_event(at_ms=before + 20 * MINUTE, context=context), **rules)
    keep_up()

    assert Session.objects.get().n_events == 2
    assert set(Event.objects.values_list("utc_offset_minutes", flat=True)) == {60, 120}


def test_gap_is_that_of_the_specification() -> None:
    assert GAP_MS == 30 * MINUTE
    assert math.isclose(GAP_MS / 1000 / 60, 30)
