"""Put events that passed into the log, with all they cause, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from apps.content import selectors as contents
from apps.content import services as content_services
from apps.content.selectors import ContentKey
from apps.content.types import ContentMetadata, ContentRow
from apps.core.clock import HOUR_MS, to_datetime
from apps.core.metrics import CLEANED
from apps.events.models import Event
from apps.events.services.quarantine import keep_waiting, settle, waiting_row
from apps.events.services.rows import LogRow, insert_rows
from apps.events.services.watches import clamp_watches
from apps.events.types import AGAINST, DEVICE_CODE, EventFlag, EventIn, EventType
from apps.events.validation import Accepted
from apps.profiles import services as profiles
from apps.profiles.models import CreatorRelation
from apps.profiles.services import RelationChange

ABOUT_CREATORS = frozenset({EventType.FOLLOW, EventType.UNFOLLOW, *AGAINST})
_WITH_EFFECT = ABOUT_CREATORS | {EventType.CONTENT_UPLOAD}
_Kind = CreatorRelation.Kind
_FLAGS = (EventFlag.TIME_CLAMPED, EventFlag.REPAIRED)  # the clamping of watch times counts itself


def store(items: Sequence[Accepted]) -> int:
    """Insert what is new, or let it wait for its content; return how many were new.

    The unique keys decide what is new, so that counts hold whatever other processes do. What an
    event causes (follows, hides, uploads) is decided by its time, so doing it twice is harmless.
    """
    with transaction.atomic(savepoint=False):
        causes = _first_sent(items)
        _upload([i for i in causes if i.kind is EventType.CONTENT_UPLOAD])
        viewers = profiles.ensure_pseudonyms({i.viewer for i in items if i.viewer})
        keys = contents.content_keys({i.event.content_id for i in items if i.event.content_id})
        named = {i.event.creator_id for i in items if i.event.creator_id}
        creators = profiles.ensure_creators(named) if named else {}
        is_waiting = settle(items)
        items = [i for i in items if i.key not in is_waiting]
        ready = [i for i in items if i.event.content_id is None or i.event.content_id in keys]
        late = [i for i in items if not (i.event.content_id is None or i.event.content_id in keys)]
        rows = [_row(item, viewers, keys, creators) for item in ready]
        n_new = insert_rows(clamp_watches(rows, ready, keys)) if rows else 0
        n_new += keep_waiting([waiting_row(item) for item in late]) if late else 0
        profiles.relate(
            [change for i in causes for change in _relations(i, viewers, keys, creators)]
        )
    _count_corrections(items)
    return n_new


def _first_sent(items: Sequence[Accepted]) -> list[Accepted]:
    """Return the events with effects, without those that are no news: they change nothing more."""
    first: dict[Any, Accepted] = {}
    for item in items:
        if item.kind in _WITH_EFFECT:
            first.setdefault(item.key, item)
    if not first:
        return []
    known = set(Event.objects.filter(event_key__among=first).values_list("event_key", flat=True))
    return [item for key, item in first.items() if key not in known]


def _upload(items: Sequence[Accepted]) -> None:
    if not items:
        return
    rows = [
        ContentRow(
            content_id=item.event.content_id or "",
            creator_id=item.event.creator_id,
            upload_timestamp=to_datetime(item.occurred_ms),
            metadata=item.event.metadata or ContentMetadata(),
        )
        for item in items
    ]
    # Not later than they came, or a change that follows would lose against a clock that is ahead.
    said_ms = [min(item.occurred_ms, item.received_ms) for item in items]
    now_ms = max(item.received_ms for item in items)
    content_services.upsert_contents(rows, now_ms=now_ms, said_ms=said_ms)


def _row(
    item: Accepted,
    viewers: dict[Any, int],
    keys: dict[str, ContentKey],
    creators: dict[str, int],
) -> LogRow:
    event, context = item.event, item.event.context
    row = LogRow(
        event_key=item.key,
        kind=int(item.kind),
        viewer_id=viewers[item.viewer] if item.viewer else None,
        content_id=keys[event.content_id].pk if event.content_id else None,
        creator_id=creators[event.creator_id] if event.creator_id else None,
        occurred_ms=item.occurred_ms,
        received_ms=item.received_ms,
        watch_seconds=event.watch_duration,
        flags=item.flags | (EventFlag.FROM_FEED if event.request_id else 0),
        surface=context.surface if context else 0,
        utc_offset_minutes=_utc_offset(context.timezone, item.occurred_ms) if context else 0,
        device=DEVICE_CODE[context.device or ""] if context else 0,
        network_ms=context.network_ms if context else None,
        request_id=event.request_id,
        info=_info(event, item.sent),
    )
    return row._replace(**item.known) if item.known else row


def _info(event: EventIn, sent: dict[str, Any] | None) -> dict[str, Any] | None:
    if not (event.comment_text or event.platform or event.reason or sent):
        return None
    said = {
        "comment_text": event.comment_text,
        "platform": event.platform,
        "reason": event.reason,
        "sent": sent,
    }
    return {name: value for name, value in said.items() if value is not None}


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


def _relations(
    item: Accepted,
    viewers: dict[Any, int],
    keys: dict[str, ContentKey],
    creators: dict[str, int],
) -> list[RelationChange]:
    """Return what an event changes between its viewer and a creator.

    An event that waits for its content takes effect at once where it names the creator, else when
    it enters.
    """
    if item.kind not in ABOUT_CREATORS or item.viewer is None:
        return []
    event = item.event
    creator = creators[event.creator_id] if event.creator_id else None
    if creator is None and event.content_id in keys:
        creator = keys[event.content_id].creator_pk
    if creator is None:
        return []
    is_of_content = event.content_id is not None
    viewer = viewers[item.viewer]
    return changes_of(viewer, creator, item.kind, item.occurred_ms, is_of_content=is_of_content)


def changes_of(
    viewer: int, creator: int, kind: EventType, at_ms: int, *, is_of_content: bool
) -> list[RelationChange]:
    """Return the changes of relations that an event of `kind` makes.

    A creator who is hidden is blocked; one of whom a content is hidden or reported is muted for a
    while. Taking back the hide of a creator ends both, that of a content the mute.
    """
    if kind in (EventType.FOLLOW, EventType.UNFOLLOW):
        relations = [_Kind.FOLLOW]
    elif kind is EventType.UNHIDE and not is_of_content:
        relations = [_Kind.BLOCK, _Kind.MUTE]
    else:
        relations = [_Kind.MUTE if is_of_content else _Kind.BLOCK]
    is_active = kind not in (EventType.UNFOLLOW, EventType.UNHIDE)
    return [RelationChange(viewer, creator, relation, is_active, at_ms) for relation in relations]


def _count_corrections(items: Iterable[Accepted]) -> None:
    for flags in (item.flags for item in items if item.flags):
        for flag in _FLAGS:
            if flags & flag:
                CLEANED.labels(str(flag.name).lower()).inc()
