"""Which transactions of PostgreSQL are over, so that a reader of the log can pass them."""

from __future__ import annotations

from django.db import connection

_SNAPSHOT = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,
           pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""
# The status of other sessions is read once a transaction unless that is forgotten.
_FORGET = "SELECT pg_stat_clear_snapshot()"
_RUNNING = """
    SELECT backend_xid::text::bigint, query = '<insufficient privilege>'
    FROM pg_stat_activity WHERE datname = current_database()
    UNION ALL
    SELECT transaction::text::bigint, false
    FROM pg_prepared_xacts WHERE database = current_database()
"""
_EPOCH = 1 << 32  # statuses tell the lower half of a transaction's id


def settled_before() -> int:
    """Return an id: every transaction of this database with a lower one is over, now and for ever.

    `pg_snapshot_xmin` would do, but it waits for transactions of every database of the server.
    Order matters. First comes `high`, one more than the latest transaction that is over; then the
    list of those that run. A transaction below both was begun before `high` was read, and was over
    when the list came to its session: so a statement after this function sees all that it wrote.
    Where sessions of others are hidden from this role, the whole server's oldest is waited for.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SNAPSHOT)
        low, high = cursor.fetchone()
        cursor.execute(_FORGET)
        cursor.execute(_RUNNING)
        sessions = cursor.fetchall()
    if any(is_hidden for _, is_hidden in sessions):
        return int(low)
    running = [_whole(xid, high) for xid, _ in sessions if xid is not None]
    return min([high, *running])


def _whole(xid: int, high: int) -> int:
    """Return the 64-bit id of a running transaction; it is not more than 2³¹ below `high`."""
    whole = high - high % _EPOCH + xid
    return whole - _EPOCH if whole > high + _EPOCH // 2 else whole
