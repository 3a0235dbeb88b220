"""The one way into the table of the log, for clients, imports and what comes out of quarantine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from apps.events.models import Event


class LogRow(NamedTuple):
    """One row of the log; the fields are its columns."""

    event_key: UUID
    kind: int
    viewer_id: int | None
    content_id: int | None
    creator_id: int | None
    occurred_ms: int
    received_ms: int
    watch_seconds: float | None = None
    flags: int = 0
    surface: int = 0
    utc_offset_minutes: int = 0
    device: int = 0
    network_ms: float | None = None
    request_id: UUID | None = None
    info: dict[str, Any] | None = None


_TYPES = {
    "event_key": "uuid",
    "kind": "smallint",
    "flags": "smallint",
    "surface": "smallint",
    "utc_offset_minutes": "smallint",
    "device": "smallint",
    "watch_seconds": "double precision",
    "network_ms": "double precision",
    "request_id": "uuid",
    "info": "jsonb",
}
_COLUMNS = ", ".join(LogRow._fields)
_INTO = f"INSERT INTO {Event._meta.db_table} ({_COLUMNS})"
_ON_SQLITE = f"{_INTO} VALUES ({', '.join(['%s'] * len(LogRow._fields))}) ON CONFLICT DO NOTHING"
_ARRAYS = ", ".join(f"%s::{_TYPES.get(name, 'bigint')}[]" for name in LogRow._fields)
_ON_POSTGRESQL = f"{_INTO} SELECT * FROM unnest({_ARRAYS}) ON CONFLICT DO NOTHING"  # noqa: S608


def insert_rows(rows: Sequence[LogRow]) -> int:
    """Insert what is new and return how many that were; the unique event_key decides.

    One statement whatever the number of rows. In order of key, so that two batches with the same
    events do not wait for each other crosswise; the first of several rows with one key counts.
    """
    in_order = sorted(rows, key=lambda row: row.event_key.bytes)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns = list(zip(*in_order, strict=True))
            columns[-1] = tuple(_as_json(info) for info in columns[-1])
            cursor.execute(_ON_POSTGRESQL, [list(column) for column in columns])
        else:
            cursor.executemany(_ON_SQLITE, [_for_sqlite(row) for row in in_order])
        return int(cursor.rowcount)


def _for_sqlite(row: LogRow) -> tuple[Any, ...]:
    request_id = row.request_id.hex if row.request_id else None
    return (row.event_key.hex, *row[1:-2], request_id, _as_json(row.info))


def _as_json(info: dict[str, Any] | None) -> str | None:
    return json.dumps(info) if info else None
