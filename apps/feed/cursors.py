"""The cursor of a feed session: signed, opaque, bound to its viewer, short-lived."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.core import signing

from apps.core.errors import Problem
from apps.feed.conf import PARAMS

_SALT = "recsys.feed-cursor"


class Cursor(NamedTuple):
    """Where a scroll stands."""

    session: UUID
    started_ms: int  # when the scroll began, ms since 1970 UTC
    position: int  # of the next item


def encode_cursor(cursor: Cursor, viewer: int) -> str:
    """Return the text that continues the scroll for this viewer only."""
    return signing.dumps(
        [cursor.session.hex, cursor.started_ms, cursor.position, viewer], salt=_SALT
    )


def decode_cursor(text: str, viewer: int) -> Cursor:
    """Return where the scroll stands; raise 400 for one forged, expired or another viewer's."""
    try:
        session, started_ms, position, owner = signing.loads(
            text, salt=_SALT, max_age=PARAMS.cursor_seconds
        )
    except signing.SignatureExpired as error:
        detail = "The cursor has expired; ask for a feed without one."
        raise Problem(400, "cursor-expired", detail) from error
    except (signing.BadSignature, ValueError, TypeError, UnicodeError) as error:
        raise Problem(400, "invalid-cursor", "The cursor is forged or damaged.") from error
    if owner != viewer:
        raise Problem(400, "invalid-cursor", "The cursor belongs to another user_id.")
    return Cursor(UUID(hex=session), started_ms, position)
