"""Clamp watch times that are longer than the viewer can have watched (spec §2.3)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from apps.content.selectors import ContentKey
from apps.core.metrics import CLEANED
from apps.events import conf
from apps.events.cleaning import longest_watch
from apps.events.models import Event
from apps.events.services.rows import LogRow
from apps.events.types import EventFlag, EventType
from apps.events.validation import Accepted

_Pair = tuple[int | None, int | None]  # viewer, content

# One step into the index `event_by_viewer_content` for every pair: of a viewer and a content there
# are few events, of many viewers in an hour there are many.
_LOOK_UP = (
    "SELECT event.viewer_id, event.content_id, event.event_key, event.occurred_ms"  # noqa: S608
    f" FROM {{pairs}} CROSS JOIN {Event._meta.db_table} AS event"
    " WHERE event.viewer_id = {viewer} AND event.content_id = {content}"
    " AND event.kind = %s AND event.occurred_ms BETWEEN %s AND %s"
)
_STORED = {
    "postgresql": _LOOK_UP.format(
        pairs="jsonb_array_elements(%s::jsonb) AS pair",
        viewer="(pair->>0)::bigint",
        content="(pair->>1)::bigint",
    ),
    "sqlite": _LOOK_UP.format(
        pairs="json_each(%s) AS pair",
        viewer="json_extract(pair.value, '$[0]')",
        content="json_extract(pair.value, '$[1]')",
    ),
}


def clamp_watches(
    rows: list[LogRow], items: Sequence[Accepted], keys: dict[str, ContentKey]
) -> list[LogRow]:
    """Return the rows with every watch time at most what replays of the content explain.

    rows and items are aligned. Imported events are taken as they are. An unknown duration allows
    any watch time. At most one query, and only when a watch time is too long for one play.
    """
    too_long = {
        place: duration
        for place, (row, item) in enumerate(zip(rows, items, strict=True))
        if row.watch_seconds
        and item.known is None
        and item.event.content_id
        and (duration := keys[item.event.content_id].duration_seconds)
        and row.watch_seconds > longest_watch(duration, 0)
    }
    if not too_long:
        return rows
    replays = _replays(rows, [rows[place] for place in too_long])
    cleaned = list(rows)
    for place, duration in too_long.items():
        row = rows[place]
        known = replays[row.viewer_id, row.content_id]
        n_replays = sum(_belongs(at_ms, row) for at_ms in known.values())
        limit = longest_watch(duration, n_replays)
        if row.watch_seconds and row.watch_seconds > limit:
            cleaned[place] = _clamp(row, limit)
            CLEANED.labels("watch_clamped").inc()
    return cleaned


def _belongs(at_ms: int, row: LogRow) -> bool:
    return abs(row.occurred_ms - at_ms) <= conf.REPLAY_WINDOW_MS


def _replays(
    rows: Sequence[LogRow], wanted: Sequence[LogRow]
) -> defaultdict[_Pair, dict[UUID, int]]:
    """Return the replays of the wanted pairs by key, from the batch and the log, with their times.

    By key, so that a batch sent again does not count its replays twice.
    """
    found: defaultdict[_Pair, dict[UUID, int]] = defaultdict(dict)
    pairs = sorted({(row.viewer_id, row.content_id) for row in wanted})
    first = min(row.occurred_ms for row in wanted) - conf.REPLAY_WINDOW_MS
    last = max(row.occurred_ms for row in wanted)
    with connection.cursor() as cursor:
        statement = _STORED[connection.vendor]
        cursor.execute(statement, [json.dumps(pairs), int(EventType.REPLAY), first, last])
        for viewer, content, key, at_ms in cursor.fetchall():
            found[viewer, content][key if isinstance(key, UUID) else UUID(key)] = at_ms
    for row in rows:
        if row.kind == EventType.REPLAY:
            found[row.viewer_id, row.content_id][row.event_key] = row.occurred_ms
    return found


def _clamp(row: LogRow, limit: float) -> LogRow:
    info = row.info or {}
    sent = {**info.get("sent", {}), "watch_duration": row.watch_seconds}
    return row._replace(
        watch_seconds=limit,
        flags=int(row.flags | EventFlag.WATCH_CLAMPED),
        info={**info, "sent": sent},
    )
