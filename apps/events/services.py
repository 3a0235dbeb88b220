"""Write the log: take events from clients, and slates from the feed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.db import connection, transaction

from apps.content import selectors as content_selectors
from apps.content import services as content_services
from apps.content.selectors import ContentKey
from apps.content.types import ContentMetadata, ContentRow
from apps.core.clock import HOUR_MS, from_datetime, to_datetime
from apps.core.json import nul_path, validation_issue
from apps.core.metrics import EVENTS
from apps.events import conf
from apps.events.models import Event
from apps.events.types import DEVICE_CODE, EventFlag, EventIn, EventType, IngestAnswer, Refusal
from apps.profiles import services as profiles
from apps.profiles.models import CreatorRelation
from apps.profiles.services import RelationChange

_decode = msgspec.json.Decoder(EventIn).decode
_Kind = CreatorRelation.Kind
_TYPE = {t.name.lower(): t for t in EventType}
_ABOUT_CREATORS = {EventType.FOLLOW, EventType.UNFOLLOW, EventType.HIDE}


class _Accepted(NamedTuple):
    """An event that passed validation, with what was worked out of it."""

    place: int  # in the batch
    event: EventIn
    kind: EventType
    key: UUID
    occurred_ms: int
    flags: EventFlag


class IngestRules(NamedTuple):
    """What the caller may do, and when it is."""

    now_ms: int
    may_backfill: bool = False
    only_user: str | None = None  # a client token may post for this viewer only


def ingest(raw: Sequence[bytes | memoryview | msgspec.Raw], rules: IngestRules) -> IngestAnswer:
    """Store a batch of JSON events; one bad event never fails the others.

    Returns only after the commit: what is counted as accepted is durable. The unique
    `event_key` decides what is a duplicate, in any order, from any process.
    """
    valid: list[_Accepted] = []
    refused: list[Refusal] = []
    for index, text in enumerate(raw):
        outcome = _validate(index, text, rules)
        (refused if isinstance(outcome, Refusal) else valid).append(outcome)  # type: ignore[arg-type]
    accepted = store(valid, received_ms=rules.now_ms) if valid else 0
    duplicates = len(valid) - accepted
    for outcome_name, count in (
        ("accepted", accepted),
        ("duplicate", duplicates),
        ("rejected", len(refused)),
    ):
        EVENTS.labels(outcome_name).inc(count)
    return IngestAnswer(accepted, duplicates, refused)


def _validate(index: int, text: Any, rules: IngestRules) -> _Accepted | Refusal:
    try:
        event = _decode(text)
    except msgspec.ValidationError as error:
        issue = validation_issue(error)
        pointer = f" ({issue['pointer']})" if issue["pointer"] else ""
        return Refusal(index, _event_id_of(text), issue["code"], issue["detail"] + pointer)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Refusal(index, None, "malformed-json", str(error))
    if (b"\\u0000" in bytes(text)) and (where := nul_path(event)) is not None:
        return Refusal(index, event.event_id, "nul-character", f"NUL is not allowed in {where}")
    if problem := _misfit(event, rules):
        return Refusal(index, event.event_id, *problem)
    occurred_ms = rules.now_ms if event.timestamp is None else _moment(event)
    key = _event_key(event, occurred_ms)  # before the clock is corrected, so that retries agree
    flags = EventFlag.NONE
    if occurred_ms > rules.now_ms + conf.MAX_AHEAD_MS:
        occurred_ms, flags = rules.now_ms, EventFlag.TIME_CLAMPED
    oldest = conf.EARLIEST_MS if rules.may_backfill else rules.now_ms - conf.MAX_AGE_MS
    if occurred_ms < oldest:
        detail = f"timestamp is before {to_datetime(oldest).isoformat()}; older events need"
        return Refusal(index, event.event_id, "too-old", f"{detail} the scope events:backfill")
    return _Accepted(index, event, _TYPE[event.type], key, occurred_ms, flags)


def _moment(event: EventIn) -> int:
    assert event.timestamp is not None
    stamp = event.timestamp if event.timestamp.tzinfo else event.timestamp.replace(tzinfo=UTC)
    return from_datetime(stamp)


def _misfit(event: EventIn, rules: IngestRules) -> tuple[str, str] | None:
    """Return code and detail of what this type of event lacks, or None."""
    kind = event.type
    if kind == "content_upload":
        if rules.only_user is not None:
            return "not-allowed", "a client token may not upload contents"
        if not (event.content_id and event.creator_id):
            return "missing-field", "content_upload needs content_id and creator_id"
        return None
    if event.user_id is None:
        return "missing-field", f"{kind} needs user_id"
    if rules.only_user is not None and event.user_id != rules.only_user:
        return "wrong-user", "this token speaks for another user_id"
    if kind in {"follow", "unfollow", "hide"}:
        if not (event.creator_id or event.content_id):
            return "missing-field", f"{kind} needs creator_id or content_id"
    elif event.content_id is None:
        return "missing-field", f"{kind} needs content_id"
    return None


def _event_id_of(text: Any) -> str | None:
    try:
        value = msgspec.json.decode(text).get("event_id")
    except (msgspec.DecodeError, AttributeError, RecursionError, UnicodeDecodeError):
        return None
    return value if isinstance(value, str) else None


def _event_key(event: EventIn, occurred_ms: int) -> UUID:
    """Return the identity of an event: its id, or a hash of what it says."""
    if event.event_id is None:
        # A retry without event_id says the same, so it gets the same key.
        said = (event.type, event.user_id, event.content_id, event.creator_id, occurred_ms)
        text = repr((*said, event.watch_duration, event.comment_text, event.platform))
        return UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest())
    if len(event.event_id) == 36:
        try:
            return UUID(event.event_id)
        except ValueError:
            pass
    digest = hashlib.blake2b(event.event_id.encode(), digest_size=16, person=b"event_id")
    return UUID(bytes=digest.digest())


def store(accepted: Sequence[_Accepted], *, received_ms: int) -> int:
    """Insert what is new, in one transaction with its effects; return how many were new."""
    with transaction.atomic():
        keys = {a.key for a in accepted}
        known = set(Event.objects.filter(event_key__in=keys).values_list("event_key", flat=True))
        fresh: dict[UUID, _Accepted] = {}
        for item in accepted:
            if item.key not in known:
                fresh.setdefault(item.key, item)
        if fresh:
            _insert(list(fresh.values()), received_ms)
    return len(fresh)


def _insert(items: list[_Accepted], received_ms: int) -> None:
    _upload(items, received_ms)
    viewers = profiles.ensure_viewers({i.event.user_id for i in items if i.event.user_id})
    contents = content_selectors.content_keys(
        {i.event.content_id for i in items if i.event.content_id}
    )
    creators = _creators(items)
    rows = [_row(item, viewers, contents, creators, received_ms) for item in items]
    # Another process may have inserted one of them since we looked: the unique key decides.
    Event.objects.bulk_create(rows, ignore_conflicts=True)
    profiles.relate(
        [
            change
            for item, row in zip(items, rows, strict=True)
            if item.kind in _ABOUT_CREATORS
            and (change := _relation(item, row, contents)) is not None
        ]
    )


def _upload(items: list[_Accepted], received_ms: int) -> None:
    uploads = [
        ContentRow(
            content_id=i.event.content_id or "",
            creator_id=i.event.creator_id,
            upload_timestamp=to_datetime(i.occurred_ms),
            metadata=i.event.metadata or ContentMetadata(),
        )
        for i in items
        if i.kind is EventType.CONTENT_UPLOAD
    ]
    if uploads:
        content_services.upsert_contents(uploads, now_ms=received_ms)


def _creators(items: list[_Accepted]) -> dict[str, int]:
    named = {i.event.creator_id for i in items if i.event.creator_id}
    return profiles.ensure_creators(named) if named else {}


def _row(
    item: _Accepted,
    viewers: dict[str, int],
    contents: dict[str, ContentKey],
    creators: dict[str, int],
    received_ms: int,
) -> Event:
    event = item.event
    key = contents.get(event.content_id) if event.content_id else None
    context = event.context
    return Event(
        event_key=item.key,
        kind=item.kind,
        viewer_id=viewers[event.user_id] if event.user_id else None,
        content_id=key.pk if key else None,
        content_key=event.content_id if key is None else None,
        creator_id=creators[event.creator_id] if event.creator_id else None,
        occurred_ms=item.occurred_ms,
        received_ms=received_ms,
        watch_seconds=event.watch_duration,
        flags=item.flags,
        surface=context.surface if context else 0,
        utc_offset_minutes=_utc_offset(context.timezone, item.occurred_ms) if context else 0,
        device=DEVICE_CODE[context.device or ""] if context else 0,
        network_ms=context.network_ms if context else None,
        request_id=event.request_id,
        info=_info(event),
    )


def _info(event: EventIn) -> dict[str, Any] | None:
    said = {
        "comment_text": event.comment_text,
        "platform": event.platform,
        "reason": event.reason,
    }
    return {name: value for name, value in said.items() if value is not None} or None


def _utc_offset(timezone: str | None, at_ms: int) -> int:
    """Return minutes east of UTC; 0 for a zone that is not known."""
    return _offset_in_hour(timezone, at_ms // HOUR_MS) if timezone else 0


@lru_cache(maxsize=10_000)
def _offset_in_hour(timezone: str, hour: int) -> int:
    try:
        offset = to_datetime(hour * HOUR_MS).astimezone(ZoneInfo(timezone)).utcoffset()
    except (KeyError, ValueError, OSError):
        return 0
    return int(offset.total_seconds() // 60) if offset else 0


def _relation(
    item: _Accepted, row: Event, contents: dict[str, ContentKey]
) -> RelationChange | None:
    """Return what a follow, unfollow or hide changes between viewer and creator.

    A hidden creator is blocked; a hidden content mutes its creator for a while.
    """
    creator = row.creator_id
    if creator is None and item.event.content_id in contents:
        creator = contents[item.event.content_id].creator_pk
    if creator is None or row.viewer_id is None:
        return None
    hide = _Kind.BLOCK if item.event.content_id is None else _Kind.MUTE
    return _change(row.viewer_id, creator, item.kind, item.occurred_ms, hide=hide)


def _change(
    viewer: int, creator: int, kind: EventType, at_ms: int, *, hide: CreatorRelation.Kind
) -> RelationChange:
    relation = hide if kind is EventType.HIDE else _Kind.FOLLOW
    return RelationChange(viewer, creator, relation, kind is not EventType.UNFOLLOW, at_ms)


class LoggedEvent(NamedTuple):
    """One event of an imported log, already trusted and typed."""

    user_id: str
    content_id: str
    kind: EventType
    at_ms: int
    watch_seconds: float | None = None
    flags: int = 0
    surface: int = 0
    utc_offset_minutes: int = 0
    device: int = 0  # code of `DEVICES`
    network_ms: float | None = None
    info: dict[str, Any] | None = None


_APPENDED = (
    "event_key",
    "kind",
    "viewer_id",
    "content_id",
    "creator_id",
    "content_key",
    "occurred_ms",
    "received_ms",
    "watch_seconds",
    "flags",
    "surface",
    "utc_offset_minutes",
    "device",
    "network_ms",
    "info",
)


def append_log(
    events: Sequence[LoggedEvent], *, viewers: dict[str, int], contents: dict[str, ContentKey]
) -> int:
    """Insert events of an import and return how many were new; the others are left alone.

    viewers, contents: keys of every user id, and of every content id that is known. Raw SQL, three
    times as fast as building model instances.
    """
    rows, changes = [], []
    for event in events:
        key = contents.get(event.content_id)
        viewer = viewers[event.user_id]
        creator = key.creator_pk if key and event.kind in _ABOUT_CREATORS else None
        if creator is not None:
            changes.append(_change(viewer, creator, event.kind, event.at_ms, hide=_Kind.MUTE))
        rows.append(
            (
                _prepare_key(_imported_key(event)),
                int(event.kind),
                viewer,
                key.pk if key else None,
                creator,
                None if key else event.content_id,
                event.at_ms,
                event.at_ms,
                event.watch_seconds,
                event.flags,
                event.surface,
                event.utc_offset_minutes,
                event.device,
                event.network_ms,
                json.dumps(event.info) if event.info else None,
            )
        )
    columns, marks = ", ".join(_APPENDED), ", ".join(["%s"] * len(_APPENDED))
    table = Event._meta.db_table
    transaction_id = "pg_current_xact_id()::text::bigint" if _is_postgresql() else "0"
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({columns}, transaction_id) VALUES ({marks}, {transaction_id})"  # noqa: S608  constants only
            " ON CONFLICT DO NOTHING",
            rows,
        )
        inserted: int = cursor.rowcount
    profiles.relate(changes)
    return inserted


def _imported_key(event: LoggedEvent) -> UUID:
    """Return what the event says as a key: its time first, so that the index grows at its end."""
    said = f"{event.user_id}\0{event.content_id}\0{event.kind}\0{event.at_ms}"
    digest = hashlib.blake2b(said.encode(), digest_size=10).digest()
    return UUID(bytes=(event.at_ms & 0xFFFFFFFFFFFF).to_bytes(6, "big") + digest)


def _prepare_key(key: UUID) -> Any:
    return key if _is_postgresql() else key.hex


def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def link_events(content_ids: Sequence[str]) -> int:
    """Link events that came before their content; return how many.

    Follows and hides that named the content only now find its creator, and take effect.
    """
    waiting = Event.objects.filter(content_key__in=content_ids)
    names = {name for name in waiting.values_list("content_key", flat=True) if name}
    keys = content_selectors.content_keys(names)
    late = waiting.filter(kind__in=_ABOUT_CREATORS, viewer__isnull=False, creator__isnull=True)
    changes = [
        _change(viewer, keys[name].creator_pk, EventType(kind), at_ms, hide=_Kind.MUTE)
        for viewer, name, kind, at_ms in late.values_list(
            "viewer_id", "content_key", "kind", "occurred_ms"
        )
        if name in keys
    ]
    linked = 0
    for content_id, key in keys.items():
        unlinked = Event.objects.filter(content_key=content_id)
        linked += unlinked.update(content_id=key.pk, content_key=None)
    profiles.relate(changes)
    return linked


def link_all_events() -> int:
    """Link what a race left over: an event and its content may commit at the same moment."""
    waiting = Event.objects.filter(content_key__isnull=False).values_list("content_key", flat=True)
    return link_events([name for name in waiting.distinct()[:10_000] if name])
