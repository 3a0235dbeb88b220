"""Single-flight work: a lease in the database, so that two workers never train at once."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection

from apps.core.clock import now_ms
from apps.core.models import Lease

logger = logging.getLogger(__name__)


@contextmanager
def lease(name: str, *, seconds: int = 120) -> Iterator[bool]:
    """Hold the named lease; yields False when another holds it.

    It is renewed in the background for as long as the block runs, so that long work keeps it and
    the lease of a killed process ends within `seconds`.
    """
    holder = uuid.uuid4()
    Lease.objects.get_or_create(name=name)
    now = now_ms()
    # One conditional UPDATE decides the race: only one holder's row count is 1.
    taken = Lease.objects.filter(name=name, until_ms__lt=now).update(
        holder=holder, until_ms=now + seconds * 1000
    )
    if not taken:
        yield False
        return
    done = threading.Event()
    threading.Thread(target=_renew, args=(name, holder, seconds, done), daemon=True).start()
    try:
        yield True
    finally:
        done.set()
        Lease.objects.filter(name=name, holder=holder).update(until_ms=0)


def _renew(name: str, holder: uuid.UUID, seconds: int, done: threading.Event) -> None:
    while not done.wait(seconds / 3):
        try:
            Lease.objects.filter(name=name, holder=holder).update(
                until_ms=now_ms() + seconds * 1000
            )
        except DatabaseError:
            logger.exception("the lease %s could not be renewed", name)
        finally:
            connection.close()
