"""Refuse logins for a while after many have failed; kept in the database, for all processes."""

from __future__ import annotations

from collections.abc import Collection

from django.utils.crypto import salted_hmac

from apps.core.clock import SECOND_MS
from apps.core.models import LoginFailure

MOST_FAILED = 10
WINDOW_MS = 900 * SECOND_MS  # in which so many must fail, and as long logins are refused then


def key_of(kind: str, value: str) -> str:
    """Return what failures of an account, an address or a device are stored under: a keyed hash."""
    return salted_hmac(f"recsys.lockout.{kind}", value, algorithm="sha256").hexdigest()


def refused_ms(keys: Collection[str], *, now_ms: int) -> int:
    """Return for how long logins under any of these keys are refused, ms; 0: they are not.

    A refused login is not stored: whoever keeps trying does not make it longer.
    """
    return max((_refused_ms(key, now_ms) for key in keys), default=0)


def _refused_ms(key: str, now_ms: int) -> int:
    failed = LoginFailure.objects.filter(key=key).order_by("-failed_ms", "-pk")
    latest = list(failed.values_list("failed_ms", flat=True)[:MOST_FAILED])
    if len(latest) < MOST_FAILED or latest[0] - latest[-1] > WINDOW_MS:
        return 0
    return max(latest[0] + WINDOW_MS - now_ms, 0)


def note_failure(keys: Collection[str], *, now_ms: int) -> None:
    """Store that a login failed, and forget what counts no more."""
    LoginFailure.objects.filter(failed_ms__lt=now_ms - 2 * WINDOW_MS).delete()
    LoginFailure.objects.bulk_create(LoginFailure(key=key, failed_ms=now_ms) for key in keys)


def forgive(key: str) -> None:
    """Forget the failures under one key."""
    LoginFailure.objects.filter(key=key).delete()
