"""What the quarantine keeps of a text: nothing that could be a raw viewer id (spec §10.1). Pure."""

from __future__ import annotations

import hmac
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings

from apps.content.types import ContentMetadata
from apps.events import conf
from apps.events.types import EventContext, EventIn
from apps.profiles.pseudonyms import pseudonym

RawEvent = bytes | memoryview | msgspec.Raw

_FIELDS = frozenset(EventIn.__struct_fields__)
_PARTS = {
    "context": frozenset(EventContext.__struct_fields__),
    "metadata": frozenset(ContentMetadata.__struct_fields__),
}


class Scrubbed(NamedTuple):
    """A body fit to be stored, and the viewer whom it names."""

    body: dict[str, Any] | None
    viewer: UUID | None


def scrub(text: RawEvent, *, viewer: UUID | None = None) -> Scrubbed:
    """Return the body of `text` with a pseudonym for its user_id and without its event_id.

    viewer: the pseudonym where it is known already. A value that no event can have (of an unknown
    field, an object instead of a text) becomes null: it could hold an id; so does NUL become
    U+FFFD, which PostgreSQL can store. A text that is no JSON object, or is longer than
    `MAX_KEPT_BYTES`, gives no body.
    """
    try:
        said = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return Scrubbed(None, viewer)
    if not isinstance(said, dict):
        return Scrubbed(None, viewer)
    viewer = viewer or _viewer(said.get("user_id"))
    if size_of(text) > conf.MAX_KEPT_BYTES:
        return Scrubbed(None, viewer)
    body = {_plain_text(k)[:64]: _kept(k, v) for k, v in said.items() if k != "event_id"}
    if "user_id" in body:
        body["user_id"] = str(viewer) if viewer else None
    return Scrubbed(body, viewer)


def size_of(text: RawEvent) -> int:
    """Return the bytes of a text."""
    return len(bytes(text))


def digest_of(text: RawEvent) -> UUID:
    """Return a keyed hash of a text: without the key a short text cannot be guessed from it."""
    key = b"quarantine:" + settings.PSEUDONYM_KEY.encode()
    return UUID(bytes=hmac.digest(key, bytes(text), "sha256")[:16])


def _viewer(user_id: Any) -> UUID | None:
    if isinstance(user_id, int) and not isinstance(user_id, bool):
        user_id = str(user_id)
    is_id = isinstance(user_id, str) and 1 <= len(user_id) <= 128 and "\0" not in user_id
    return pseudonym(user_id) if is_id else None


def _kept(name: str, value: Any) -> Any:
    if name in _PARTS and isinstance(value, dict):
        fields = _PARTS[name]
        return {_plain_text(k)[:64]: _plain(v) if k in fields else None for k, v in value.items()}
    return _plain(value) if name in _FIELDS else None


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _plain_text(value)
    if isinstance(value, list):
        return [None if isinstance(part, list | dict) else _plain(part) for part in value]
    return None if isinstance(value, dict) else value


def _plain_text(text: str) -> str:
    return text.replace("\0", "\ufffd")
