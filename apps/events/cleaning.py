"""Correct what can be corrected without guessing (spec §2.3). Pure; what was sent is kept.

Every correction leaves a flag on the event (`EventFlag`) and the value as sent in `info["sent"]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from apps.events import conf
from apps.events.types import EventIn

_decode = msgspec.json.Decoder(EventIn).decode
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_HIDDEN = "(an id)"  # raw viewer ids never enter the database, spec §10.1
_PRIVATE = {"user_id", "event_id"}


class Repaired(NamedTuple):
    """An event whose format was put right."""

    event: EventIn
    sent: dict[str, Any]  # the values that were replaced, as sent, by field


def repair(text: bytes | memoryview | msgspec.Raw) -> Repaired:
    """Return the event that a nearly right text means.

    For texts that strict decoding refused: nothing of this costs a well-formed event anything.
    Understood are a type with ``_event`` at its end or in other letters, ids sent as integers,
    numbers sent as texts, blanks around either, and every ISO 8601 date-time. Blanks in an id are
    part of it: a well-formed event keeps them. A number as timestamp is refused: it could mean
    seconds or milliseconds. Raises msgspec.ValidationError for what is still wrong.
    """
    said = msgspec.json.decode(text)
    if not isinstance(said, dict):
        _decode(text)  # raises the error that the caller saw
    if isinstance(said.get("timestamp"), int | float):
        raise msgspec.ValidationError(
            "Expected an ISO 8601 text like 2025-10-09T08:00:00Z; a number could mean seconds or"
            " milliseconds - at `$.timestamp`"
        )
    sent: dict[str, Any] = {}
    fixed = _repair_fields(said, "", sent)
    return Repaired(_decode(msgspec.json.encode(fixed)), sent)


def _repair_fields(said: dict[str, Any], path: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Return `said` with its fields put right; what was replaced is noted in `sent`."""
    fixed = {}
    for name, value in said.items():
        if name in {"context", "metadata"} and isinstance(value, dict):
            fixed[name] = _repair_fields(value, f"{name}.", sent)
            continue
        mend = _MENDED_BY.get(name)
        fixed[name] = mend(value) if mend else value
        if fixed[name] != value:
            sent[path + name] = _HIDDEN if name in _PRIVATE else value
    return fixed


def _type(value: Any) -> Any:
    return value.strip().lower().removesuffix("_event") if isinstance(value, str) else value


def _id(value: Any) -> Any:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_whole else value


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value.strip(), type=float)
    except msgspec.MsgspecError:
        return value


def _whole(value: Any) -> Any:
    number = _number(value)
    return int(number) if isinstance(number, float) and number.is_integer() else value


def _moment(value: Any) -> Any:
    if not (isinstance(value, str) and _DATE.match(value.strip())):
        return value
    try:
        return datetime.fromisoformat(value.strip()).isoformat()
    except ValueError:
        return value


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


_MENDED_BY: dict[str, Callable[[Any], Any]] = {
    "type": _type,
    "user_id": _id,
    "content_id": _id,
    "creator_id": _id,
    "event_id": _id,
    "audio_id": _id,
    "watch_duration": _number,
    "network_ms": _number,
    "duration": _number,
    "surface": _whole,
    "timestamp": _moment,
    "request_id": _stripped,
    "timezone": _stripped,
    "device": lambda value: value.strip().lower() if isinstance(value, str) else value,
}


def longest_watch(duration_seconds: float, n_replays: int) -> float:
    """Return the longest believable watch time in seconds (spec §2.3).

    1.5 × duration × (1 + replays): half a length more than the viewer is known to have played, for
    players that loop.
    """
    return conf.WATCH_SLACK * duration_seconds * (1 + n_replays)
