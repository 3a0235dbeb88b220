"""Single-flight work: a lease in the database, so that two workers never train at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from apps.core.clock import now_ms
from apps.core.models import Lease


@contextmanager
def lease(name: str, *, seconds: int) -> Iterator[bool]:
    """Hold the named lease for at most `seconds`; yields False when another holds it."""
    holder = uuid.uuid4()
    Lease.objects.get_or_create(name=name)
    now = now_ms()
    # One conditional UPDATE decides the race: only one holder's row count is 1.
    taken = Lease.objects.filter(name=name, until_ms__lt=now).update(
        holder=holder, until_ms=now + seconds * 1000
    )
    try:
        yield bool(taken)
    finally:
        if taken:
            Lease.objects.filter(name=name, holder=holder).update(until_ms=0)
