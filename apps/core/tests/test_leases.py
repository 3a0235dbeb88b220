"""Work that only one may do."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from apps.core.clock import now_ms
from apps.core.leases import lease
from apps.core.models import Lease

pytestmark = pytest.mark.django_db


def test_second_holder_gets_nothing_while_the_first_works() -> None:
    with lease("train", seconds=60) as first, lease("train", seconds=60) as second:
        assert (first, second) == (True, False)


def test_other_names_are_other_leases() -> None:
    with lease("train", seconds=60) as first, lease("index", seconds=60) as second:
        assert (first, second) == (True, True)


def test_lease_is_free_again_after_the_work() -> None:
    with lease("train", seconds=60):
        pass

    with lease("train", seconds=60) as again:
        assert again


def test_lease_is_free_again_after_the_work_failed() -> None:
    with pytest.raises(ValueError, match="broken"), lease("train", seconds=60):
        raise ValueError("broken")

    with lease("train", seconds=60) as again:
        assert again


def test_refused_holder_leaves_the_first_in_possession() -> None:
    with lease("train", seconds=60):
        with lease("train", seconds=60):
            pass
        with lease("train", seconds=60) as third:
            assert not third


def test_expired_lease_can_be_taken() -> None:
    Lease.objects.create(name="train", until_ms=now_ms() - 1)

    with lease("train", seconds=60) as taken:
        assert taken


def test_late_holder_does_not_give_up_what_another_has_taken() -> None:
    late, next_one = lease("train", seconds=60), lease("train", seconds=60)
    late.__enter__()
    Lease.objects.update(until_ms=now_ms() - 1)  # its time has run out
    assert next_one.__enter__()

    late.__exit__(None, None, None)

    with lease("train", seconds=60) as third:
        assert not third


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_holds() -> None:
    outcomes: list[bool] = []
    all_asked = threading.Barrier(6)

    def work() -> None:
        with lease("train", seconds=60) as held:
            outcomes.append(held)
            all_asked.wait(60)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [False] * 5 + [True]
