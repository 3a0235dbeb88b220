"""Which transactions a reader of the log may pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.content.tests.factories import make_content
from apps.events.settled import _EPOCH, _whole, settled_before

postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="PostgreSQL only")


@given(st.integers(2**31, 2**40), st.integers(0, 2**31 - 1))
def test_whole_id_is_found_from_its_lower_half(high: int, behind: int) -> None:
    assert _whole((high - behind) % _EPOCH, high) == high - behind


@contextmanager
def running(database: str) -> Iterator[int]:
    """Hold a transaction open in a database; give its id."""
    to = settings.DATABASES["default"]
    with psycopg.connect(
        host=to["HOST"], port=to["PORT"], user=to["USER"], dbname=database
    ) as other:
        row = other.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        assert row is not None
        yield row[0]


@postgresql
@pytest.mark.django_db(transaction=True)
class TestSettledBefore:
    def database(self) -> str:
        return str(connection.settings_dict["NAME"])

    def test_running_transaction_of_this_database_is_waited_for(self) -> None:
        with running(self.database()) as mine:
            assert settled_before() <= mine
        assert settled_before() > mine

    def test_running_transaction_of_another_database_is_not(self) -> None:
        with running("postgres") as mine:
            make_content("v1")  # a transaction after that one, and over
            assert settled_before() > mine

    def test_transaction_that_began_since_the_last_look_is_seen(self) -> None:
        with transaction.atomic():
            settled_before()
            with running(self.database()) as mine:
                assert settled_before() <= mine

    def test_prepared_transaction_is_waited_for(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW max_prepared_transactions")
            if cursor.fetchone() == ("0",):
                pytest.skip("the server allows no prepared transactions")
            cursor.execute("BEGIN; SELECT pg_current_xact_id()::text::bigint")
            mine = cursor.fetchone()[0]
            cursor.execute("PREPARE TRANSACTION 'waits'")
        try:
            assert settled_before() <= mine
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK PREPARED 'waits'")

    def test_role_that_may_not_see_others_waits_for_the_whole_server(self) -> None:
        with running(self.database()) as mine, connection.cursor() as cursor:
            cursor.execute("CREATE ROLE recsys_blind")
            try:
                cursor.execute("SET ROLE recsys_blind")
                assert settled_before() <= mine
            finally:
                cursor.execute("RESET ROLE")
                cursor.execute("DROP ROLE recsys_blind")


def test_own_transaction_is_not_passed(db: Any) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL only")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        assert settled_before() <= cursor.fetchone()[0]
