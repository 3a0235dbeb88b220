"""Read the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import QuerySet
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.prepared import Prepared
from apps.events import conf
from apps.events.models import Event, QuarantinedEvent, Slate
from apps.events.settled import settled_before
from apps.events.types import EventLog

_FIELDS = (
    "viewer_id",
    "content_id",
    "creator_id",
    "kind",
    "occurred_ms",
    "watch_seconds",
    "flags",
    "surface",
    "utc_offset_minutes",
    "device",
    "network_ms",
)
_CHUNK = 50_000


_HISTORY = Prepared(
    lambda viewer, at_ms: (
        Event.objects.filter(viewer_id=viewer, occurred_ms__lt=at_ms)
        .order_by("-occurred_ms", "-id")
        .values_list(*_FIELDS)[: conf.HISTORY_EVENTS]
    )
)
_SERVED = Prepared(
    lambda viewer, since_ms: (
        Slate.objects.filter(viewer_id=viewer, served_ms__gte=since_ms)
        .order_by("-served_ms", "-id")
        .values_list("feed_session", "first_position", "content_pks")
    )
)


def history(viewer: int, catalog: Catalog, *, at_ms: int) -> EventLog:
    """Return the viewer's latest `HISTORY_EVENTS` events before `at_ms`, in time order."""
    return _to_log(_HISTORY.rows(viewer, at_ms)[::-1], catalog)


def log(catalog: Catalog, *, until_ms: int | None = None, after_ms: int = 0) -> EventLog:
    """Return all events with after_ms ≤ occurred < until_ms, in time order."""
    events = Event.objects.filter(occurred_ms__gte=after_ms)
    if until_ms is not None:
        events = events.filter(occurred_ms__lt=until_ms)
    return EventLog.concat([_to_log(rows, catalog) for rows in _chunks(events.order_by("id"))])


def _chunks(events: QuerySet[Event]) -> Iterable[list[tuple[Any, ...]]]:
    """Read by id, so that no chunk is skipped or read twice while events come in."""
    last = 0
    while rows := list(events.filter(id__gt=last).values_list("id", *_FIELDS)[:_CHUNK]):
        last = rows[-1][0]
        yield [row[1:] for row in rows]


def since(watermark: tuple[int, int], *, limit: int = _CHUNK) -> tuple[EventLog, tuple[int, int]]:
    """Return events committed after `watermark`, and the watermark that follows them.

    Every event comes out exactly once, whatever the order in which transactions commit: on
    PostgreSQL only rows are read whose transaction is older than every running one
    (`settled_before`). Contents are rows of `content.catalog()`, which is refreshed first where an
    event is newer than it.
    """
    transaction_id, event_id = watermark
    events = Event.objects.order_by("transaction_id", "id")
    if connection.vendor == "postgresql":
        events = events.extra(
            where=[
                "transaction_id < %s",
                "(transaction_id, id) > (%s, %s)",
            ],
            params=[settled_before(), transaction_id, event_id],
        )
    else:
        events = events.filter(transaction_id=0, id__gt=event_id)
    rows = list(events.values_list("transaction_id", "id", *_FIELDS)[:limit])
    if not rows:
        return EventLog.empty(), watermark
    return _to_log([row[2:] for row in rows], _catalog_for(rows)), (rows[-1][0], rows[-1][1])


def _catalog_for(rows: list[tuple[Any, ...]]) -> Catalog:
    """Return a catalogue that knows the contents and creators of these events."""
    catalog = content.catalog()
    pks = np.array([row[3] for row in rows if row[3] is not None], np.int64)
    return catalog if (catalog.rows_of(pks) >= 0).all() else content.current_catalog()


def _to_log(rows: list[tuple[Any, ...]], catalog: Catalog) -> EventLog:
    """Turn rows of the table into columns in time order; keys become catalog rows."""
    if not rows:
        return EventLog.empty()
    columns = [np.array(column, np.float64) for column in zip(*rows, strict=True)]
    viewer, content, creator, kind, at_ms, watch, flags, surface, offset, device, network = columns
    found = EventLog(
        viewer=_keys(viewer),
        content=catalog.rows_of(_keys(content)),
        creator=catalog.creator_rows_of(_keys(creator)),
        kind=kind.astype(np.int8),
        at_ms=at_ms.astype(np.int64),
        watch_seconds=watch.astype(np.float32),
        flags=flags.astype(np.int16),
        surface=surface.astype(np.int16),
        utc_offset_minutes=offset.astype(np.int16),
        device=device.astype(np.int8),
        network_ms=network.astype(np.float32),
    )
    return found.take(np.argsort(found.at_ms, kind="stable"))


def _keys(column: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return database keys, −1 for null (NaN)."""
    return np.where(np.isnan(column), -1, column).astype(np.int64)


def served(
    viewer: int, *, since_ms: int, scroll: UUID | None = None, position: int = 0
) -> NDArray[np.int64]:
    """Return database keys of the contents that the viewer was served since `since_ms`.

    A page replaces what the earlier pages of its scroll hold from its first position on: the
    client asked again because that was not shown. The next page of `scroll` begins at `position`.
    """
    replaced_from = {scroll.hex if scroll else "": position}
    parts = []
    for session_id, first, packed in _SERVED.rows(viewer, since_ms):
        session = session_id.hex if isinstance(session_id, UUID) else session_id
        contents = np.frombuffer(packed, "<i8")
        end = replaced_from.get(session, first + len(contents))
        parts.append(contents[: max(end - first, 0)])
        replaced_from[session] = min(end, first)
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def seen(viewer: int) -> NDArray[np.int64]:
    """Return database keys of all contents that the viewer has any event about."""
    events = Event.objects.filter(viewer_id=viewer, content__isnull=False)
    return np.fromiter(events.values_list("content_id", flat=True).distinct(), np.int64)


def quarantined(reason: str | None, *, limit: int) -> list[QuarantinedEvent]:
    """Return the latest quarantined events, of one reason or of all."""
    rows = QuarantinedEvent.objects.order_by("-pk")
    return list((rows.filter(reason=reason) if reason else rows)[:limit])


def quarantined_keys(reason: str) -> list[int]:
    """Return the primary keys of all events that are quarantined for `reason`, oldest first."""
    rows = QuarantinedEvent.objects.filter(reason=reason).order_by("pk")
    return list(rows.values_list("pk", flat=True))
