"""Keyed pseudonyms: raw user ids never reach the database (spec §10.1)."""

from __future__ import annotations

import hmac
from functools import lru_cache
from uuid import UUID

from django.conf import settings


@lru_cache(maxsize=100_000)
def pseudonym(user_id: str) -> UUID:
    """Return HMAC-SHA-256 of `user_id`, cut to 128 bits; without the key it cannot be guessed."""
    digest = hmac.digest(settings.PSEUDONYM_KEY.encode(), user_id.encode(), "sha256")
    return UUID(bytes=digest[:16])
