"""Events that were read before their content was known, to be counted when it is.

An event may come before its content, and is linked later (`events.services.link_events`); or its
content may be newer than this process's catalogue. Either way the reading gave content −1. They
are remembered by (transaction id, event id) and read again once the content is there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events import selectors as events
from apps.events.models import Event
from apps.events.types import EventLog

Keys = NDArray[np.int64]  # [m, 2] transaction id and event id of each
Watermark = tuple[int, int]
NONE: Keys = np.empty((0, 2), np.int64)
_ASKED = 500  # ids a query


def waiting_in(log: EventLog, catalog: Catalog, after: Watermark, until: Watermark) -> Keys | None:
    """Return the events of `log`, read between the watermarks, whose content was not known.

    None when one was linked between that reading and this: then the log must be read again.
    """
    if (log.content >= 0).all():
        return NONE
    between = Event.objects.extra(
        where=["(transaction_id, id) > (%s, %s)", "(transaction_id, id) <= (%s, %s)"],
        params=[*after, *until],
    ).filter(Q(content__isnull=False) | Q(content_key__isnull=False))
    rows = list(between.values_list("transaction_id", "id", "content_id"))
    is_known = _is_known([row[2] for row in rows], catalog)
    if is_known.sum() != (log.content >= 0).sum():
        return None  # links are only ever made: equal numbers mean that none was
    return np.array([row[:2] for row in rows], np.int64).reshape(-1, 2)[~is_known]


def read_known(waiting: Keys, catalog: Catalog) -> tuple[EventLog, Keys]:
    """Return those events whose content is known by now, and the keys of all others."""
    if not len(waiting):
        return EventLog.empty(), waiting
    unlinked = Event.objects.filter(content_key__isnull=False).values_list("id", flat=True)
    is_linked = ~np.isin(waiting[:, 1], np.fromiter(unlinked.iterator(), np.int64))
    content_of: dict[int, int] = {}
    for start in range(0, int(is_linked.sum()), _ASKED):
        ids = waiting[is_linked, 1][start : start + _ASKED].tolist()
        content_of |= dict(Event.objects.filter(id__in=ids).values_list("id", "content_id"))
    # Linked ones that are in the table no more were erased: they wait for nothing.
    exists = ~is_linked | np.isin(waiting[:, 1], np.fromiter(content_of, np.int64))
    contents = [content_of.get(event) for event in waiting[:, 1].tolist()]
    is_ready = _is_known(contents, catalog)
    logs = [log for run in _runs(waiting[is_ready]) if (log := _read_run(run, catalog)) is not None]
    return EventLog.concat([EventLog.empty(), *logs]), waiting[exists & ~is_ready]


def _is_known(content_pks: list[int | None], catalog: Catalog) -> NDArray[np.bool_]:
    return (
        catalog.rows_of(np.array([-1 if pk is None else pk for pk in content_pks], np.int64)) >= 0
    )


def _runs(keys: Keys) -> Iterator[Keys]:
    """Yield stretches of consecutive events of one transaction, in order."""
    keys = keys[np.lexsort((keys[:, 1], keys[:, 0]))]
    breaks = np.flatnonzero((np.diff(keys[:, 0]) != 0) | (np.diff(keys[:, 1]) != 1)) + 1
    yield from (run for run in np.split(keys, breaks) if len(run))


def _read_run(run: Keys, catalog: Catalog) -> EventLog | None:
    """Read a stretch by the watermark just before it; None when one was erased in between."""
    (transaction, first), last = run[0].tolist(), tuple(run[-1].tolist())
    log, upto = events.since((transaction, first - 1), catalog, limit=len(run))
    return log if upto == last else None
