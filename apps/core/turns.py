"""Writers of one process take turns on SQLite, which takes one at a time and keeps no queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

_PATIENCE_SECONDS = 5.0  # then SQLite decides, which gives up after its own time-out
_turn = threading.Lock()


@contextmanager
def turn() -> Iterator[None]:
    """Write in the block as soon as whoever writes now has ended.

    Whom SQLite makes wait looks again after 1, 2, 5 … 100 ms: beside a consumer that writes batch
    after batch it hardly ever finds the gap. Inside a transaction, which has the right to write
    already, and on PostgreSQL there is nothing to wait for.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    is_mine = _turn.acquire(timeout=_PATIENCE_SECONDS)
    try:
        yield
    finally:
        if is_mine:
            _turn.release()
