"""The audit log: appended to in one order, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from apps.core.models import Lease
from apps.moderation.algorithms.chain import GENESIS, Link, digest, first_break
from apps.moderation.models import AuditEntry

_LOCK = "moderation audit"


def actor_of(user: AbstractBaseUser | None) -> str:
    """Return how the log names who did something; never a person's name."""
    return f"user:{user.pk}" if user else "system"


def record(verb: str, subject: str, *, actor: str, now_ms: int, **facts: Any) -> None:
    """Append one entry in the transaction of what it tells."""
    with transaction.atomic():
        # The row is locked until the commit: two writers would chain to the same entry.
        Lease.objects.get_or_create(name=_LOCK)
        Lease.objects.select_for_update().get(name=_LOCK)
        last = AuditEntry.objects.order_by("-number").first()
        entry = AuditEntry(
            number=last.number + 1 if last else 1,
            at_ms=now_ms,
            actor=actor,
            verb=verb,
            subject=subject,
            facts=facts,
            previous=last.digest if last else GENESIS,
        )
        entry.digest = digest(body(entry), entry.previous)
        entry.save(force_insert=True)


def body(entry: AuditEntry) -> dict[str, Any]:
    """Return what the digest of an entry covers beside the digest before."""
    names = ("number", "at_ms", "actor", "verb", "subject", "facts")
    return {name: getattr(entry, name) for name in names}


def entries() -> Iterator[AuditEntry]:
    """Yield the whole log in order."""
    return AuditEntry.objects.order_by("number").iterator(chunk_size=2000)


def broken_at() -> int | None:
    """Return the place (0, 1, …) of the first entry that does not fit, None where all do."""
    return first_break(Link(body(entry), entry.previous, entry.digest) for entry in entries())
