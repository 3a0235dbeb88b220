"""Reading the log."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from apps.content.catalog import CatalogReader
from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_content, make_contents
from apps.content.types import Catalog
from apps.events import conf, selectors
from apps.events.models import Event
from apps.events.selectors import history, log, seen, since
from apps.events.tests.factories import make_event, send
from apps.events.types import EventType
from apps.profiles.services import ensure_viewers, upsert_users
from apps.profiles.types import Preferences, UserRow

pytestmark = pytest.mark.django_db

committed = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _known_content(db: None) -> None:
    make_content("v1")  # events about others wait outside of the log


def catalog() -> Catalog:
    return CatalogReader().read_changes().catalog


def alice() -> int:
    return ensure_viewers(["alice"])["alice"]


def send_views(n: int, *, start: int = 0) -> None:
    send(*(make_event(at_ms=NOW_MS - 1000 + i, event_id=f"e{i}") for i in range(start, start + n)))


class TestHistory:
    def test_history_is_the_viewers_own_in_time_order(self) -> None:
        make_content("v1")
        send(
            make_event("like", NOW_MS - 1),
            make_event("view", NOW_MS - 3, watch_duration=7.5),
            make_event("view", NOW_MS - 2, user_id="carol"),
        )

        found = history(alice(), catalog(), at_ms=NOW_MS)

        assert found.kind.tolist() == [EventType.VIEW, EventType.LIKE]
        assert found.content.tolist() == [0, 0]
        assert found.watch_seconds[0] == 7.5
        assert np.isnan(found.watch_seconds[1])

    def test_history_ends_strictly_before_its_moment(self) -> None:
        send(make_event(at_ms=NOW_MS - 1), make_event("like", NOW_MS))

        assert history(alice(), catalog(), at_ms=NOW_MS).kind.tolist() == [EventType.VIEW]

    def test_history_holds_the_latest_events_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(conf, "HISTORY_EVENTS", 3)
        monkeypatch.setattr(selectors._HISTORY, "_compiled", {})  # the limit is in the SQL
        send_views(5)

        assert history(alice(), catalog(), at_ms=NOW_MS).at_ms.tolist() == [
            NOW_MS - 998,
            NOW_MS - 997,
            NOW_MS - 996,
        ]

    def test_event_about_a_creator_has_no_content(self) -> None:
        send(make_event("follow", content_id=None, creator_id="bob"))

        found = history(alice(), catalog(), at_ms=NOW_MS + 1)

        assert (found.content.tolist(), found.creator.tolist()) == ([-1], [0])

    def test_content_that_the_catalogue_does_not_have_yet_is_minus_one(self) -> None:
        known = catalog()
        make_content("v2", "carl")
        send(make_event(content_id="v2"), make_event("follow", content_id=None, creator_id="carl"))

        found = history(alice(), known, at_ms=NOW_MS + 1)

        assert found.content.tolist() == [-1, -1]
        assert found.creator.tolist() == [-1, -1]

    def test_history_takes_one_query(self, django_assert_num_queries: Any) -> None:
        send_views(50)
        viewer, known = alice(), catalog()

        with django_assert_num_queries(1):
            history(viewer, known, at_ms=NOW_MS)


class TestLog:
    def test_log_holds_everybody_between_its_bounds(self) -> None:
        send_views(10)
        send(make_event("like", NOW_MS, user_id="carol"))

        found = log(catalog(), after_ms=NOW_MS - 995, until_ms=NOW_MS)

        assert found.at_ms.tolist() == [NOW_MS - 995 + i for i in range(5)]
        assert len(log(catalog())) == 11

    def test_log_read_in_chunks_is_the_log_read_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send_views(10)
        at_once = log(catalog())

        monkeypatch.setattr(selectors, "_CHUNK", 3)

        np.testing.assert_array_equal(log(catalog()).at_ms, at_once.at_ms)

    @committed
    def test_who_refused_personalization_is_not_learned_from_but_counted(self) -> None:
        send(*(make_event("like", NOW_MS, user_id=user) for user in ("alice", "carol")))
        refused = Preferences(personalization=False)
        upsert_users([UserRow("alice", preferences=refused)], now_ms=NOW_MS)

        carol = ensure_viewers(["carol"])["carol"]
        assert log(catalog()).viewer.tolist() == [carol]
        # What a consumer adds up of contents and creators has both.
        assert len(since((0, 0))[0]) == 2

    def test_log_of_nothing_is_empty(self) -> None:
        assert len(log(catalog())) == 0


class TestSeen:
    def test_all_seen_contents_are_named_once(self) -> None:
        first, second = (make_content(f"v{i}").pk for i in (1, 2))
        send(make_event("view"), make_event("like"), make_event(content_id="v9"))
        send(make_event(content_id="v2"), make_event(content_id="v2", user_id="carol"))

        assert sorted(seen(alice()).tolist()) == [first, second]
        assert seen(alice() + 99).tolist() == []


class TestSince:
    """Runs in committed transactions: what is not committed must not come out."""

    def drain(self, watermark: tuple[int, int], limit: int = 50) -> tuple[list[int], Any]:
        """Return the moments of all events that come out, and the watermark after them."""
        found: list[int] = []
        while True:
            part, watermark = since(watermark, limit=limit)
            if not len(part):
                return found, watermark
            found += part.at_ms.tolist()

    @committed
    @pytest.mark.parametrize("limit", [1, 3, 50])
    def test_every_event_comes_out_once(self, limit: int) -> None:
        send_views(7)
        first, watermark = self.drain((0, 0), limit)
        send_views(5, start=7)

        second, watermark = self.drain(watermark, limit)

        assert sorted(first + second) == [NOW_MS - 1000 + i for i in range(12)]
        assert self.drain(watermark)[0] == []

    @committed
    def test_nothing_new_leaves_the_watermark(self) -> None:
        found, watermark = since((0, 0))

        assert (len(found), watermark) == (0, (0, 0))

    @committed
    def test_event_that_waited_for_its_content_comes_out_when_it_enters(self) -> None:
        send(make_event(content_id="v9", at_ms=NOW_MS - 9), make_event(at_ms=NOW_MS - 5))
        before, watermark = self.drain((0, 0))
        content = make_content("v9")

        found, watermark = since(watermark)

        assert before == [NOW_MS - 5]
        assert found.at_ms.tolist() == [NOW_MS - 9]
        assert catalog().content_pk[found.content].tolist() == [content.pk]

    @committed
    def test_events_come_out_in_time_order_within_a_part(self) -> None:
        send(make_event(at_ms=NOW_MS - 1), make_event("like", NOW_MS - 5))

        found, _ = since((0, 0))

        assert found.at_ms.tolist() == [NOW_MS - 5, NOW_MS - 1]

    @committed
    @pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer at a time")
    def test_transactions_that_commit_out_of_order_lose_and_repeat_nothing(self) -> None:
        ensure_viewers(["alice"])
        inserted, may_commit = threading.Event(), threading.Event()

        def write_slowly() -> None:
            try:
                with transaction.atomic():
                    send(make_event(at_ms=NOW_MS - 9, event_id="slow"))
                    inserted.set()
                    assert may_commit.wait(60)
            finally:
                connection.close()

        slow = threading.Thread(target=write_slowly)
        slow.start()
        try:
            assert inserted.wait(60)
            send(make_event(at_ms=NOW_MS - 5, event_id="fast"))
            during, watermark = self.drain((0, 0))
        finally:
            may_commit.set()
            slow.join()
        after, watermark = self.drain(watermark)

        assert during == []  # the fast one waits, or the slow one would be passed over
        assert after == [NOW_MS - 9, NOW_MS - 5]
        assert self.drain(watermark)[0] == []
        ids = dict(Event.objects.values_list("occurred_ms", "id"))
        assert ids[NOW_MS - 9] < ids[NOW_MS - 5]

    @committed
    def test_follower_beside_writers_gets_every_event_once(self) -> None:
        make_contents(3)
        ensure_viewers(["alice"])

        def write(writer: int) -> None:
            for i in range(10):
                at_ms = NOW_MS - 1000 + 10 * writer + i
                send(make_event(at_ms=at_ms, event_id=f"{writer}-{i}"))
            connection.close()

        writers = [threading.Thread(target=write, args=(w,)) for w in range(3)]
        for writer in writers:
            writer.start()
        found: list[int] = []
        watermark: Any = (0, 0)
        while any(w.is_alive() for w in writers):
            part, watermark = self.drain(watermark, limit=4)
            found += part
        found += self.drain(watermark)[0]

        assert sorted(found) == [NOW_MS - 1000 + i for i in range(30)]

    @committed
    def test_uncommitted_events_do_not_come_out(self) -> None:
        if connection.vendor == "sqlite":
            pytest.skip("SQLite shows a transaction its own rows")
        with transaction.atomic():
            send(make_event())
            assert len(since((0, 0))[0]) == 0

        assert len(since((0, 0))[0]) == 1


def test_contents_table_is_untouched_by_reading() -> None:
    make_content("v1")

    log(catalog())

    assert Content.objects.count() == 1
