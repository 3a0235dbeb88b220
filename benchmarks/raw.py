"""Raw inserts of batches of the log, to compare the intake with; runs inside of Django."""

from __future__ import annotations

import json
import time
import uuid

from django.db import connection

from apps.content.models import Content
from apps.core.clock import now_ms
from apps.events.models import Event
from apps.profiles.models import Viewer

_WARM_UP = 10  # batches that fill the caches of a new process
_COPIED = (
    "event_key, kind, viewer_id, content_id, occurred_ms, received_ms, watch_seconds,"
    " flags, surface, utc_offset_minutes, device"
)


def insert_raw(batches: int, size: int) -> None:
    """Insert batches and print their seconds: by `bulk_create` on SQLite, else by COPY."""
    contents = list(Content.objects.values_list("pk", flat=True)[:1000])
    viewers = list(Viewer.objects.values_list("pk", flat=True)[:1000])
    insert = _copy if connection.vendor == "postgresql" else Event.objects.bulk_create
    seconds = []
    for batch in range(-_WARM_UP, batches):
        now = now_ms()
        rows = [
            Event(
                event_key=uuid.UUID(int=(now << 80) | uuid.uuid4().int >> 48),
                kind=1,
                viewer_id=viewers[(batch * 7 + i) % len(viewers)],
                content_id=contents[(batch * 13 + i) % len(contents)],
                occurred_ms=now,
                received_ms=now,
                watch_seconds=3.5,
            )
            for i in range(size)
        ]
        start = time.perf_counter()
        insert(rows)
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds[_WARM_UP:]))


def _copy(rows: list[Event]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY events_event ({_COPIED}) FROM STDIN") as copy,
    ):
        for r in rows:
            copy.write_row(
                (
                    r.event_key,
                    r.kind,
                    r.viewer_id,
                    r.content_id,
                    r.occurred_ms,
                    r.received_ms,
                    r.watch_seconds,
                    0,
                    0,
                    0,
                    0,
                )
            )
