"""Fills the log of an installation with synthetic events; runs inside of Django, see `common`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import numpy as np
from django.db import connection, transaction

from apps.content.models import Content
from apps.core.clock import DAY_MS, now_ms
from apps.events.types import EventType
from apps.profiles.models import Viewer

_DAYS, _EVENTS_A_VIEWER = 14, 150
_CHUNK = 50_000
_COLUMNS = (
    "event_key, kind, viewer_id, content_id, occurred_ms, received_ms, watch_seconds,"
    " flags, surface, utc_offset_minutes, device"
)
_KINDS = [EventType.VIEW] * 14 + [EventType.LIKE, EventType.SKIP, EventType.SHARE, EventType.SAVE]


def fill(n: int, seed: int = 0) -> None:
    """Insert n events over two weeks; few viewers and contents have most of them.

    A larger log is one of more viewers, not of busier ones: there is one for every 150 events.
    """
    missing = max(n // _EVENTS_A_VIEWER - Viewer.objects.count(), 0)
    Viewer.objects.bulk_create((Viewer(pseudonym=uuid4()) for _ in range(missing)), batch_size=2000)
    rng = np.random.default_rng(seed)
    viewers = rng.permutation(list(Viewer.objects.values_list("pk", flat=True)))
    contents = rng.permutation(list(Content.objects.values_list("pk", flat=True)))
    end = now_ms()
    times = np.sort(rng.integers(end - _DAYS * DAY_MS, end, n))
    for start in range(0, n, _CHUNK):
        part = times[start : start + _CHUNK]
        with transaction.atomic():
            _insert(_rows(part, viewers, contents, rng))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE events_event")


def _rows(times: Any, viewers: Any, contents: Any, rng: Any) -> Iterator[tuple[Any, ...]]:
    """Yield rows with keys that begin with their time, as UUIDv7 does."""
    n = len(times)
    viewer = viewers[(len(viewers) * rng.random(n) ** 2).astype(int)].tolist()
    content = contents[(len(contents) * rng.random(n) ** 3).astype(int)].tolist()
    kind = rng.choice(_KINDS, n).tolist()
    watch = np.round(rng.gamma(2, 6, n), 2).tolist()
    noise = os.urandom(10 * n).hex()
    for i, at_ms in enumerate(times.tolist()):
        key = f"{at_ms:012x}{noise[20 * i : 20 * i + 20]}"
        yield key, int(kind[i]), viewer[i], content[i], at_ms, at_ms, watch[i], 0, 0, 60, 1


def _insert(rows: Iterator[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY events_event ({_COLUMNS}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["?"] * 11)
            sql = f"INSERT INTO events_event ({_COLUMNS}) VALUES ({marks})"
            cursor.connection.executemany(sql, rows)
