"""Keep what did not enter the log: refused events, and those that wait for their content (§2.3)."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count

from apps.core.clock import DAY_MS
from apps.core.metrics import QUARANTINE_DROPPED, QUARANTINED
from apps.events import conf
from apps.events.models import Event, QuarantinedEvent
from apps.events.scrubbing import digest_of, scrub, size_of
from apps.events.types import EventName
from apps.events.validation import Accepted, Refused

logger = logging.getLogger(__name__)

Reason = QuarantinedEvent.Reason
_NAMES = frozenset(EventName.__args__)  # type: ignore[attr-defined]


class QuarantineRow(NamedTuple):
    """One row of the quarantine; the fields are its columns."""

    reason: str
    detail: str
    event_key: UUID | None
    digest: UUID | None
    kind_name: str
    content_key: str
    viewer_pseudonym: UUID | None
    body: dict[str, Any] | None
    known: dict[str, Any] | None
    size_bytes: int
    received_ms: int
    last_received_ms: int
    times_seen: int = 1


_TABLE = QuarantinedEvent._meta.db_table
_INSERT = (
    f"INSERT INTO {_TABLE} ({', '.join(QuarantineRow._fields)})"  # noqa: S608  constants only
    f" VALUES ({', '.join(['%s'] * len(QuarantineRow._fields))}) ON CONFLICT "
)
_WAITING = _INSERT + "(event_key) WHERE reason = 'unknown-content' DO NOTHING"
_REFUSED = (
    _INSERT + f"(digest) DO UPDATE SET times_seen = {_TABLE}.times_seen + 1,"
    " last_received_ms = excluded.last_received_ms"
)


def waiting_row(item: Accepted) -> QuarantineRow:
    """Return the row of an event about a content that is not known yet."""
    body = scrub(item.text, viewer=item.viewer).body or {}
    body.pop("metadata", None)  # says nothing but in an upload, and uploads never wait
    return QuarantineRow(
        reason=Reason.UNKNOWN_CONTENT.value,
        detail="",
        event_key=item.key,
        digest=None,
        kind_name=item.event.type,
        content_key=item.event.content_id or "",
        viewer_pseudonym=item.viewer,
        body=body,
        known=item.known,
        size_bytes=size_of(item.text),
        received_ms=item.received_ms,
        last_received_ms=item.received_ms,
    )


def keep_waiting(rows: Sequence[QuarantineRow]) -> int:
    """Keep accepted events until their content arrives; return how many are new.

    There is no limit to them: what was acknowledged must not be lost. What is in the log already,
    under whatever content, is no news. A refused row never takes the place of a waiting one: they
    have different unique keys.
    """
    keys = [row.event_key for row in rows if row.event_key]
    known = set(Event.objects.filter(event_key__among=keys).values_list("event_key", flat=True))
    news = [row for row in rows if row.event_key not in known]
    n_new = _insert(_WAITING, sorted(news, key=lambda row: str(row.event_key)))
    QUARANTINED.labels(Reason.UNKNOWN_CONTENT.value).inc(n_new)
    return n_new


def settle(items: Sequence[Accepted]) -> set[UUID]:
    """Return the keys that wait already; forget refused events of which `items` are the repair.

    Only those of the same viewer: nobody can make another's event vanish by naming its id.
    """
    viewers = {item.key: item.viewer for item in items}
    found = QuarantinedEvent.objects.filter(event_key__among=viewers).values_list(
        "pk", "event_key", "viewer_pseudonym", "reason"
    )
    waiting: set[UUID] = set()
    repaired: list[int] = []
    for pk, key, viewer, reason in found:
        if key is None:
            continue
        if reason == Reason.UNKNOWN_CONTENT:
            waiting.add(key)
        elif viewer == viewers[key]:
            repaired.append(pk)
    if repaired:
        QuarantinedEvent.objects.filter(pk__in=repaired).delete()
    return waiting


def keep_refused(refused: Sequence[Refused], *, received_ms: int) -> int:
    """Keep refused events, each text once; return how many were kept.

    Of one reason at most `MAX_REFUSED_PER_DAY` rows a day, so that a broken client cannot fill the
    disk; what is past that is counted in a metric and said in the log. Processes that write at the
    same moment may each exceed the limit by one batch.
    """
    if not refused:
        return 0
    rows = _within_limit([_refused_row(r, received_ms) for r in refused], received_ms)
    _insert(_REFUSED, sorted(rows, key=lambda row: str(row.digest)))
    for reason, count in Counter(row.reason for row in rows).items():
        QUARANTINED.labels(reason).inc(count)
    return len(rows)


def _refused_row(refused: Refused, received_ms: int) -> QuarantineRow:
    body, viewer = scrub(refused.text)
    said = body or {}
    name, about = said.get("type"), said.get("content_id")
    return QuarantineRow(
        reason=Reason(refused.code).value,
        detail=refused.detail.replace("\0", "\ufffd")[:500],
        event_key=refused.key,
        digest=digest_of(refused.text),
        kind_name=name[:16] if isinstance(name, str) else "",
        content_key=about[:128] if isinstance(about, str) else "",
        viewer_pseudonym=viewer,
        body=body,
        known=None,
        size_bytes=size_of(refused.text),
        received_ms=received_ms,
        last_received_ms=received_ms,
    )


def _within_limit(rows: list[QuarantineRow], received_ms: int) -> list[QuarantineRow]:
    today_ms = received_ms - received_ms % DAY_MS
    counts = QuarantinedEvent.objects.filter(
        reason__in={row.reason for row in rows}, received_ms__gte=today_ms
    )
    room = Counter(dict.fromkeys(Reason.values, conf.MAX_REFUSED_PER_DAY))
    room.subtract(dict(counts.values_list("reason").annotate(Count("pk"))))
    kept, dropped = [], Counter[str]()
    for row in rows:
        if room[row.reason] > 0:
            room[row.reason] -= 1
            kept.append(row)
        else:
            dropped[row.reason] += 1
    for reason, count in dropped.items():
        QUARANTINE_DROPPED.labels(reason).inc(count)
        logger.warning("quarantine is full for today: %s events dropped (%s)", count, reason)
    return kept


def _insert(statement: str, rows: Sequence[QuarantineRow]) -> int:
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.executemany(statement, [_prepared(row) for row in rows])
        return int(cursor.rowcount)


def _prepared(row: QuarantineRow) -> tuple[Any, ...]:
    return tuple(_plain(value) for value in row)


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    return json.dumps(value) if isinstance(value, dict) else value
