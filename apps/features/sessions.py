"""Sessions of viewers, kept from the log (spec §2.3, §8.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np
from django.db.models import QuerySet

from apps.core.upserts import put
from apps.events.types import EventLog, EventType
from apps.features.algorithms.sessions import GAP_MS, Sessions, merge
from apps.features.consumers import drain
from apps.features.models import Session

CONSUMER = "sessions"
ENGAGEMENTS = (
    EventType.LIKE,
    EventType.COMMENT,
    EventType.SHARE,
    EventType.SAVE,
    EventType.FOLLOW,
)
_COLUMNS = ("viewer_id", *(f.name for f in fields(Sessions)[1:]))


def of_events(log: EventLog) -> Sessions:
    """Return the sessions of these events alone; events without a viewer are passed over."""
    log = log.take(log.viewer >= 0)
    is_view = log.kind == EventType.VIEW
    watched = np.where(is_view, np.nan_to_num(log.watch_seconds.astype(np.float64)), 0.0)
    watch_ms = np.rint(watched * 1000).astype(np.int64)
    stretches = Sessions(
        viewer=log.viewer,
        started_ms=log.at_ms,
        ended_ms=log.at_ms + watch_ms,
        n_events=np.ones(len(log), np.int64),
        n_views=is_view.astype(np.int64),
        n_engagements=np.isin(log.kind, ENGAGEMENTS).astype(np.int64),
        watch_ms=watch_ms,
    )
    return merge(stretches)


def keep_sessions(log: EventLog) -> None:
    """Take events into the stored sessions: new ones open, others grow or join.

    Reads the sessions near the events and writes those that changed, whatever their number in
    three statements: one SELECT, one DELETE, one INSERT.
    """
    fresh = of_events(log)
    if not len(fresh):
        return
    near = Session.objects.filter(
        viewer_id__in=np.unique(fresh.viewer).tolist(),
        ended_ms__gte=int(fresh.started_ms.min()) - GAP_MS,
        started_ms__lte=int(fresh.ended_ms.max()) + GAP_MS,
    )
    found = near.values_list("pk", *_COLUMNS)
    stored = {row[1:]: row[0] for row in found}
    merged = set(merge(Sessions.concat([_columns(stored), fresh])).rows())
    starts = {row[:2] for row in merged}
    absorbed = [pk for row, pk in stored.items() if row[:2] not in starts]
    if absorbed:
        Session.objects.filter(pk__in=absorbed).delete()
    write(merged.difference(stored))


def write(rows: Iterable[tuple[int, ...]]) -> None:
    """Store rows of `Sessions`; one with a viewer and start that is there replaces it."""
    names = ("viewer", *_COLUMNS[1:])
    put(Session, names, np.array(sorted(rows), np.int64).reshape(-1, len(names)), n_keys=2)


def read(found: QuerySet[Session]) -> Sessions:
    """Return stored sessions as columns, by viewer and start."""
    return _columns(found.order_by("viewer_id", "started_ms").values_list(*_COLUMNS))


def _columns(rows: Iterable[tuple[Any, ...]]) -> Sessions:
    return Sessions(*np.array(list(rows), np.int64).reshape(-1, len(_COLUMNS)).T)


def sessions(
    *, viewer: int | None = None, after_ms: int | None = None, until_ms: int | None = None
) -> Sessions:
    """Return sessions with after_ms ≤ started < until_ms, of one viewer or of all."""
    found = Session.objects.all()
    if viewer is not None:
        found = found.filter(viewer_id=viewer)
    if after_ms is not None:
        found = found.filter(started_ms__gte=after_ms)
    if until_ms is not None:
        found = found.filter(started_ms__lt=until_ms)
    return read(found)


def keep_up(*, batches: int = 200) -> int:
    """Take in what the log has gained; return how many events."""
    return drain(CONSUMER, keep_sessions, batches=batches)
