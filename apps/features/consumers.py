"""Pull consumers: what a consumer makes of the log commits together with how far it has read."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection, transaction

from apps.core.clock import now_ms
from apps.core.turns import turn
from apps.events import selectors as events
from apps.events.types import EventLog
from apps.features.models import Watermark

BATCH = 500  # events a transaction: on SQLite nobody else writes meanwhile
_TURN_SECONDS = 0.005  # that others have to write between two transactions on SQLite


def consume(name: str, handle: Callable[[EventLog], None], *, limit: int = BATCH) -> int:
    """Hand the next events to `handle` and store the new watermark, in one transaction.

    Returns how many events were taken: 0 when there is nothing new, or when another process is
    consuming under this name. `handle` gets each event exactly once, at most `limit` of them, in
    time order within a call but not across calls; what it writes to the database is rolled back
    with the watermark when it fails or its process dies. On PostgreSQL events come out only after
    every transaction that was running when they were written has ended (`events.since`).
    """
    # What was there before its first batch is not its delay.
    Watermark.objects.get_or_create(consumer=name, defaults={"caught_up_ms": now_ms()})
    with turn(), transaction.atomic():
        # Of two workers one gets the row; on SQLite the second waits for the transaction itself.
        row = Watermark.objects.select_for_update(skip_locked=True).filter(consumer=name).first()
        if row is None:
            return 0
        log, after = events.since((row.transaction_id, row.event_id), limit=limit)
        if len(log):
            handle(log)
            row.transaction_id, row.event_id = after
        else:
            row.caught_up_ms = now_ms()
        row.save()
    return len(log)


def drain(
    name: str,
    handle: Callable[[EventLog], None],
    *,
    batches: int = 1_000_000,
    limit: int = BATCH,
) -> int:
    """Consume until nothing is left or `batches` were taken; return how many events."""
    total = 0
    for _ in range(batches):
        taken = consume(name, handle, limit=limit)
        total += taken
        if not taken:
            break
        if connection.vendor == "sqlite":
            time.sleep(_TURN_SECONDS)
    return total
