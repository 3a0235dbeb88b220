"""Judge one event as it was sent: what the log may take, and why not (spec §2.1, §2.3). Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from apps.core.clock import from_datetime, to_datetime
from apps.core.json import nul_path, validation_issue
from apps.events import cleaning, conf
from apps.events.types import EventFlag, EventIn, EventType
from apps.profiles.pseudonyms import pseudonym

RawEvent = bytes | memoryview | msgspec.Raw

_decode = msgspec.json.Decoder(EventIn).decode
_TYPE = {t.name.lower(): t for t in EventType}
_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class IngestRules(NamedTuple):
    """What the caller may do, and when it is."""

    now_ms: int
    may_backfill: bool = False
    only_user: str | None = None  # a client token may post for this viewer only


class Accepted(NamedTuple):
    """An event that passed, with what was worked out of it."""

    place: int  # in the batch
    text: RawEvent
    event: EventIn
    kind: EventType
    key: UUID
    viewer: UUID | None  # pseudonym
    occurred_ms: int
    received_ms: int
    flags: int  # EventFlag
    sent: dict[str, Any] | None = None  # what cleaning has replaced, as it was sent
    known: dict[str, Any] | None = None  # columns of an imported event that override its body


class Refused(NamedTuple):
    """An event that did not pass."""

    place: int  # in the batch
    text: RawEvent
    event_id: str | None
    key: UUID | None  # None where nothing identifies it
    code: str
    detail: str


def judge(place: int, text: RawEvent, rules: IngestRules) -> Accepted | Refused:
    """Decode an event, repair its format where only that is wrong, and check what it says."""
    sent: dict[str, Any] = {}
    try:
        event = _decode(text)
    except msgspec.ValidationError as error:
        repaired, problem = _repair(text, error)
        if repaired is None:
            return _unfit(place, text, problem)
        event, sent = repaired.event, repaired.sent
    except _UNREADABLE as error:
        return Refused(place, text, None, None, "malformed-json", str(error))
    viewer = pseudonym(event.user_id) if event.user_id else None
    occurred_ms = rules.now_ms if event.timestamp is None else _moment(event)
    key = event_key(event, viewer, occurred_ms)  # before the clock is corrected: retries agree
    if refusal := _refusal(text, event, occurred_ms, rules):
        return Refused(place, text, event.event_id, key, *refusal)
    flags = EventFlag.REPAIRED if sent else EventFlag.NONE
    if occurred_ms > rules.now_ms + conf.MAX_AHEAD_MS:
        sent = {**sent, "timestamp": event.timestamp.isoformat() if event.timestamp else None}
        occurred_ms, flags = rules.now_ms, flags | EventFlag.TIME_CLAMPED
    kind = _TYPE[event.type]
    return Accepted(
        place, text, event, kind, key, viewer, occurred_ms, rules.now_ms, int(flags), sent or None
    )


def event_key(event: EventIn, viewer: UUID | None, occurred_ms: int) -> UUID:
    """Return the identity of an event: its id, or a hash of what it says."""
    if event.event_id is not None:
        return key_of_id(event.event_id)
    # A retry without event_id says the same, so it gets the same key. By pseudonym, so that an
    # event that is replayed from the quarantine, which knows no user_id, gets it too.
    said = (event.type, viewer, event.content_id, event.creator_id, occurred_ms)
    text = repr((*said, event.watch_duration, event.comment_text, event.platform))
    return UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest())


def key_of_id(event_id: str) -> UUID:
    """Return a UUID as it is, and of any other id a hash."""
    if len(event_id) == 36:
        try:
            return UUID(event_id)
        except ValueError:
            pass
    digest = hashlib.blake2b(event_id.encode(), digest_size=16, person=b"event_id")
    return UUID(bytes=digest.digest())


def _repair(
    text: RawEvent, error: msgspec.ValidationError
) -> tuple[cleaning.Repaired | None, msgspec.ValidationError]:
    """Return the repaired event, or the error that says best what is still wrong."""
    try:
        return cleaning.repair(text), error
    except msgspec.ValidationError as remaining:
        return None, remaining
    except _UNREADABLE:
        return None, error


def _unfit(place: int, text: RawEvent, error: msgspec.ValidationError) -> Refused:
    issue = validation_issue(error)
    pointer = f" ({issue['pointer']})" if issue["pointer"] else ""
    event_id = _event_id_of(text)
    key = key_of_id(event_id) if event_id else None
    return Refused(place, text, event_id, key, issue["code"], issue["detail"] + pointer)


def _event_id_of(text: RawEvent) -> str | None:
    try:
        value = msgspec.json.decode(text).get("event_id")
    except (*_UNREADABLE, AttributeError):
        return None
    return value if isinstance(value, str) else None


def _moment(event: EventIn) -> int:
    assert event.timestamp is not None
    stamp = event.timestamp if event.timestamp.tzinfo else event.timestamp.replace(tzinfo=UTC)
    return from_datetime(stamp)


def _refusal(
    text: RawEvent, event: EventIn, occurred_ms: int, rules: IngestRules
) -> tuple[str, str] | None:
    """Return code and detail of why a well-formed event is not taken, or None."""
    if (b"\\u0000" in bytes(text)) and (where := nul_path(event)) is not None:
        return "nul-character", f"NUL is not allowed in {where}"
    if misfit := _misfit(event, rules):
        return misfit
    oldest = conf.EARLIEST_MS if rules.may_backfill else rules.now_ms - conf.MAX_AGE_MS
    if occurred_ms < oldest:
        detail = f"timestamp is before {to_datetime(oldest).isoformat()}; older events need"
        return "too-old", f"{detail} the scope events:backfill"
    return None


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
    if kind in {"follow", "unfollow", "hide", "unhide"}:
        if not (event.creator_id or event.content_id):
            return "missing-field", f"{kind} needs creator_id or content_id"
    elif event.content_id is None:
        return "missing-field", f"{kind} needs content_id"
    return None
