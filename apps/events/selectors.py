"""Read the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import Max, Min, Q, QuerySet
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.clock import DAY_MS
from apps.core.prepared import Prepared
from apps.events import conf
from apps.events.models import Event, QuarantinedEvent
from apps.events.settled import settled_before
from apps.events.types import AGAINST, Dislikes, EventLog, EventType
from apps.profiles.models import Viewer

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
_VIEWERS = 5_000  # of one query
_LOOKED_AT = 100_000  # events, to see who is active
_LAST_ID = 2**63 - 1


_HISTORY = Prepared(
    lambda viewer, at_ms: (
        Event.objects.filter(viewer_id=viewer, occurred_ms__lt=at_ms)
        .order_by("-occurred_ms", "-id")
        .values_list(*_FIELDS)[: conf.HISTORY_EVENTS]
    )
)
# `AGAINST` as it stands in the partial index: a parameter would not be matched with it.
_AGAINST_KINDS = [kind.value for kind in AGAINST]
_AGAINST = Prepared(
    lambda viewer, since_ms, at_ms: (
        Event.objects.filter(viewer_id=viewer, occurred_ms__gte=since_ms, occurred_ms__lt=at_ms)
        .extra(where=["kind IN (12, 13, 15)"])
        .order_by("-occurred_ms", "-id")
        .values_list("content_id", "kind", "occurred_ms")[: conf.MOST_DISLIKED]
    )
)


def history(viewer: int, catalog: Catalog, *, at_ms: int) -> EventLog:
    """Return the viewer's latest `HISTORY_EVENTS` events before `at_ms`, in time order."""
    return _to_log(_HISTORY.rows(viewer, at_ms)[::-1], catalog)


def disliked(viewer: int, catalog: Catalog, history: EventLog, *, at_ms: int) -> Dislikes:
    """Return what the viewer hid or reported in the `DISLIKED_MS` before `at_ms`, newest first.

    The latest word about a content counts. history: what `history` gives for the same moment; what
    goes back further than it is asked of the database.
    """
    since_ms = at_ms - conf.DISLIKED_MS
    if len(history) < conf.HISTORY_EVENTS or history.at_ms[0] < since_ms:
        is_against = np.isin(history.kind, _AGAINST_KINDS) & (history.at_ms >= since_ms)
        at = np.flatnonzero(is_against)[::-1][: conf.MOST_DISLIKED]
        content, kind, occurred_ms = history.content[at], history.kind[at], history.at_ms[at]
    else:
        found = np.array(_AGAINST.rows(viewer, since_ms, at_ms), np.float64).reshape(-1, 3).T
        content, kind, occurred_ms = catalog.rows_of(_keys(found[0])), *found[1:].astype(np.int64)
    known = content >= 0
    content, kind, occurred_ms = content[known], kind[known], occurred_ms[known]
    _, latest = np.unique(content, return_index=True)
    latest = np.sort(latest[kind[latest] != EventType.UNHIDE])
    return Dislikes(content[latest], occurred_ms[latest])


def learnable() -> Q:
    """Return the condition of events that may be learned from: not of who refused it."""
    return ~Q(viewer__in=Viewer.objects.filter(personalization=False))


def log(catalog: Catalog, *, until_ms: int | None = None, after_ms: int = 0) -> EventLog:
    """Return all events with after_ms ≤ occurred < until_ms, in time order, to learn from.

    Viewers who refused personalization are not in it (GDPR art. 21).
    """
    events = Event.objects.filter(learnable(), occurred_ms__gte=after_ms)
    if until_ms is not None:
        events = events.filter(occurred_ms__lt=until_ms)
    return EventLog.concat([_to_log(rows, catalog) for rows in _chunks(events.order_by("id"))])


def log_of(
    viewers: NDArray[np.int64], catalog: Catalog, *, after_ms: int, until_ms: int
) -> EventLog:
    """Return the events of some viewers with after_ms ≤ occurred < until_ms, in time order.

    One query along the index by viewer and time; a few thousand viewers at once.
    """
    found = Event.objects.filter(
        viewer_id__in=viewers.tolist(), occurred_ms__gte=after_ms, occurred_ms__lt=until_ms
    )
    return _to_log(list(found.values_list(*_FIELDS)), catalog)


class ActiveViewers(NamedTuple):
    """Who was there lately."""

    n: int  # viewers with any event
    days: float  # that were looked at, ≥ 1
    sample: NDArray[np.int64]  # keys of the latest of them, ascending


def active_viewers(*, since_ms: int, until_ms: int, most: int) -> ActiveViewers:
    """Return who had events in that time, looking at the latest `_LOOKED_AT` events at most.

    The days are those that these events span.
    """
    last = Event.objects.aggregate(last=Max("id"))["last"] or 0
    events = Event.objects.filter(
        id__gt=last - _LOOKED_AT, occurred_ms__gte=since_ms, occurred_ms__lt=until_ms
    )
    seen = events.filter(viewer__isnull=False).values("viewer_id")
    rows = list(
        seen.annotate(first=Min("occurred_ms"), last=Max("id"))
        .order_by("-last", "viewer_id")
        .values_list("viewer_id", "first")
    )
    keys, first_ms = np.array(rows, np.int64).reshape(-1, 2).T
    days = (until_ms - first_ms.min(initial=until_ms)) / DAY_MS
    return ActiveViewers(len(keys), max(float(days), 1.0), np.sort(keys[:most]))


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
    rows = list(committed(watermark).values_list("transaction_id", "id", *_FIELDS)[:limit])
    if not rows:
        return EventLog.empty(), watermark
    return _to_log([row[2:] for row in rows], _catalog_for(rows)), (rows[-1][0], rows[-1][1])


def committed(watermark: tuple[int, int]) -> QuerySet[Event]:
    """Return the events after `watermark` in the order of the log, those that are settled."""
    transaction_id, event_id = watermark
    events = Event.objects.order_by("transaction_id", "id")
    if connection.vendor != "postgresql":
        return events.filter(transaction_id=0, id__gt=event_id)
    return events.extra(
        where=["transaction_id < %s", "(transaction_id, id) > (%s, %s)"],
        params=[settled_before(), transaction_id, event_id],
    )


def watermark_at(at_ms: int) -> tuple[int, int]:
    """Return a watermark before every event that occurred after `at_ms`; reads the whole log."""
    later = Event.objects.filter(occurred_ms__gt=at_ms)
    first = later.order_by("transaction_id", "id").values_list("transaction_id", "id").first()
    if connection.vendor == "postgresql":
        end = (settled_before() - 1, _LAST_ID)  # what is being written now may be later too
    else:
        end = (0, Event.objects.aggregate(last=Max("id"))["last"] or 0)
    return min((first[0], first[1] - 1), end) if first else end


class Traced(NamedTuple):
    """The events of some viewers in time order, and how each came into the log."""

    log: EventLog
    received_ms: NDArray[np.int64]  # [n]
    watermark: list[tuple[int, int]]  # [n] transaction and id
    request_id: list[UUID | None]  # [n] the slate that it names


def traced(viewers: Iterable[int], *, after_ms: int, until_ms: int) -> Traced:
    """Return the events of viewers with after_ms ≤ occurred < until_ms.

    One query along the index by viewer and time. Contents are rows of `content.catalog()`, which
    is refreshed first where an event is newer than it.
    """
    found = Event.objects.filter(
        viewer_id__in=list(viewers), occurred_ms__gte=after_ms, occurred_ms__lt=until_ms
    ).order_by("occurred_ms", "transaction_id", "id")
    rows = list(found.values_list("transaction_id", "id", *_FIELDS, "received_ms", "request_id"))
    return Traced(
        log=_to_log([row[2:-2] for row in rows], _catalog_for(rows)),
        received_ms=np.array([row[-2] for row in rows], np.int64),
        watermark=[(row[0], row[1]) for row in rows],
        request_id=[row[-1] for row in rows],
    )


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
    if (found.at_ms[1:] >= found.at_ms[:-1]).all():
        return found
    return found.take(np.argsort(found.at_ms, kind="stable"))


def _keys(column: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return database keys, −1 for null (NaN)."""
    return np.where(np.isnan(column), -1, column).astype(np.int64)


def views_of(
    content_pk: int, viewers: NDArray[np.int64], catalog: Catalog, *, after_ms: int
) -> EventLog:
    """Return the views of one content by some viewers since a moment, in time order.

    By the index of viewer and content: one query for every few thousand viewers.
    """
    parts = []
    for start in range(0, len(viewers), _VIEWERS):
        found = Event.objects.filter(
            content_id=content_pk,
            viewer_id__in=viewers[start : start + _VIEWERS].tolist(),
            kind=EventType.VIEW,
            occurred_ms__gte=after_ms,
        )
        parts.append(_to_log(list(found.values_list(*_FIELDS)), catalog))
    return EventLog.concat(parts) if parts else EventLog.empty()


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
