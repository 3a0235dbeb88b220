"""Writers of one process take turns on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.core.turns import turn

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="others write side by side")


@pytest.fixture
def elsewhere() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool


def write() -> str:
    with turn():
        return "written"


def test_one_writes_when_the_other_has_ended(elsewhere: ThreadPoolExecutor) -> None:
    with turn():
        second = elsewhere.submit(write)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.05)

    assert second.result(timeout=5) == "written"


def test_whoever_fails_ends_their_turn(elsewhere: ThreadPoolExecutor) -> None:
    with pytest.raises(ZeroDivisionError), turn():
        raise ZeroDivisionError

    assert elsewhere.submit(write).result(timeout=5) == "written"


@pytest.mark.django_db
def test_within_a_transaction_nobody_is_waited_for(elsewhere: ThreadPoolExecutor) -> None:
    with turn():  # the test's own transaction
        assert elsewhere.submit(write).result(timeout=5) == "written"
