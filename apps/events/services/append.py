"""Append the events of an import."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import transaction

from apps.content.selectors import ContentKey
from apps.core.clock import to_datetime
from apps.events.services.quarantine import QuarantineRow, Reason, keep_waiting
from apps.events.services.rows import LogRow, insert_rows
from apps.events.services.store import ABOUT_CREATORS, changes_of
from apps.events.types import DEVICES, EventType
from apps.profiles import services as profiles
from apps.profiles.pseudonyms import pseudonym


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


def append_log(
    events: Sequence[LoggedEvent], *, viewers: dict[str, int], contents: dict[str, ContentKey]
) -> int:
    """Insert events of an import and return how many were new; the others are left alone.

    viewers, contents: keys of every user id, and of every content id that is known. Events about
    other contents wait in the quarantine.
    """
    rows, waiting, changes = [], [], []
    for event in events:
        key = contents.get(event.content_id)
        if key is None:
            waiting.append(_waiting_row(event))
            continue
        viewer = viewers[event.user_id]
        creator = key.creator_pk if event.kind in ABOUT_CREATORS else None
        if creator is not None:
            changes += changes_of(viewer, creator, event.kind, event.at_ms, is_of_content=True)
        rows.append(_row(event, viewer, key.pk, creator))
    with transaction.atomic():
        n_new = insert_rows(rows) if rows else 0
        n_new += keep_waiting(waiting) if waiting else 0
        profiles.relate(changes)
    return n_new


def _row(event: LoggedEvent, viewer: int, content: int, creator: int | None) -> LogRow:
    return LogRow(
        event_key=_imported_key(event),
        kind=int(event.kind),
        viewer_id=viewer,
        content_id=content,
        creator_id=creator,
        occurred_ms=event.at_ms,
        received_ms=event.at_ms,
        watch_seconds=event.watch_seconds,
        flags=int(event.flags),
        surface=event.surface,
        utc_offset_minutes=event.utc_offset_minutes,
        device=event.device,
        network_ms=event.network_ms,
        info=event.info,
    )


def _imported_key(event: LoggedEvent) -> UUID:
    """Return what the event says as a key: its time first, so that the index grows at its end."""
    said = f"{event.user_id}\0{event.content_id}\0{event.kind}\0{event.at_ms}"
    digest = hashlib.blake2b(said.encode(), digest_size=10).digest()
    return UUID(bytes=(event.at_ms & 0xFFFFFFFFFFFF).to_bytes(6, "big") + digest)


def _waiting_row(event: LoggedEvent) -> QuarantineRow:
    """Return the event as a body, and beside it the columns that no body can say."""
    viewer = pseudonym(event.user_id)
    name = event.kind.name.lower()
    body = {
        "type": name,
        "user_id": str(viewer),
        "content_id": event.content_id,
        "timestamp": to_datetime(event.at_ms).isoformat(),
        "context": {"device": DEVICES[event.device] or None, "surface": event.surface},
    }
    known = {
        "watch_seconds": event.watch_seconds,
        "flags": int(event.flags),
        "utc_offset_minutes": event.utc_offset_minutes,
        "network_ms": event.network_ms,
        "info": event.info,
    }
    return QuarantineRow(
        reason=Reason.UNKNOWN_CONTENT.value,
        detail="",
        event_key=_imported_key(event),
        digest=None,
        kind_name=name,
        content_key=event.content_id,
        viewer_pseudonym=viewer,
        body=body,
        known=known,
        size_bytes=len(msgspec.json.encode(body)),
        received_ms=event.at_ms,
        last_received_ms=event.at_ms,
    )
