"""Consumers: result and watermark commit together, or not at all."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from apps.content.tests.factories import NOW_MS, make_content
from apps.core.models import Lease
from apps.events.tests.factories import make_event, send
from apps.events.types import EventLog
from apps.features.consumers import consume, drain
from apps.features.models import Watermark
from apps.profiles.services import ensure_viewers

# Committed: on PostgreSQL a consumer sees no event of a transaction that is still running.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _content() -> None:
    """Events are about this one; those about others would wait in the quarantine."""
    make_content("v1")


def send_likes(n: int, start: int = 0) -> None:
    send(*(make_event("like", NOW_MS - i, event_id=f"e{i}") for i in range(start, start + n)))


class Ledger:
    """Writes one row a handled event, so that every loss and repeat can be seen."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.fails_at = fails_at
        self.calls = 0

    def __call__(self, log: EventLog) -> None:
        self.calls += 1
        # The name is unique: an event that is handled twice cannot be written twice.
        Lease.objects.bulk_create([Lease(name=f"took {at}") for at in log.at_ms.tolist()])
        if self.calls == self.fails_at:
            raise OSError("the disk is full")


def taken() -> list[int]:
    return sorted(int(name.split()[1]) for name in Lease.objects.values_list("name", flat=True))


class TestConsume:
    def test_events_are_handed_over_once(self) -> None:
        send_likes(5)

        assert [consume("ledger", Ledger()) for _ in range(2)] == [5, 0]
        assert len(taken()) == 5

    def test_limit_bounds_a_batch_and_nothing_is_left(self) -> None:
        send_likes(5)

        assert [consume("ledger", Ledger(), limit=2) for _ in range(4)] == [2, 2, 1, 0]
        assert len(taken()) == 5

    def test_failure_takes_back_what_was_written_and_the_watermark(self) -> None:
        send_likes(4)
        ledger = Ledger(fails_at=2)
        consume("ledger", ledger, limit=2)

        with pytest.raises(OSError, match="full"):
            consume("ledger", ledger, limit=2)

        assert len(taken()) == 2
        assert drain("ledger", ledger) == 2
        assert len(taken()) == 4

    def test_consumers_do_not_share_a_watermark(self) -> None:
        send_likes(3)
        drain("ledger", Ledger())
        seen: list[int] = []

        drain("other", lambda log: seen.extend(log.at_ms.tolist()))

        assert len(seen) == 3

    def test_moment_of_having_caught_up_is_noted_only_then(self) -> None:
        send_likes(3)
        consume("ledger", Ledger(), limit=2)
        Watermark.objects.update(caught_up_ms=0)

        consume("ledger", Ledger(), limit=2)
        assert Watermark.objects.get().caught_up_ms == 0
        consume("ledger", Ledger())

        assert Watermark.objects.get().caught_up_ms > NOW_MS

    def test_drain_stops_after_the_batches_it_may_take(self) -> None:
        send_likes(3)

        assert drain("ledger", Ledger(), batches=0) == 0
        assert drain("ledger", Ledger(), batches=1) == 3


class TestTwoWorkers:
    @pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer at a time")
    def test_second_worker_skips_while_the_first_is_in_a_batch(self) -> None:
        send_likes(3)
        inside, may_end = threading.Event(), threading.Event()
        counts: list[int] = []

        def slowly(log: EventLog) -> None:
            Ledger()(log)
            inside.set()
            assert may_end.wait(60)

        def work() -> None:
            counts.append(consume("ledger", slowly))
            connection.close()

        first = threading.Thread(target=work)
        first.start()
        try:
            assert inside.wait(60)
            assert consume("ledger", Ledger()) == 0
        finally:
            may_end.set()
            first.join()

        assert counts == [3]
        assert len(taken()) == 3

    def test_many_workers_beside_a_writer_take_every_event_once(self) -> None:
        ensure_viewers(["alice"])
        done = threading.Event()

        def write() -> None:
            for part in range(10):
                send_likes(7, start=7 * part)
            done.set()
            connection.close()

        def work() -> None:
            while not done.is_set():
                consume("ledger", Ledger(), limit=3)
            connection.close()

        threads = [threading.Thread(target=t) for t in (write, work, work, work)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        drain("ledger", Ledger())

        assert taken() == sorted(NOW_MS - i for i in range(70))
