"""Work the counts of days and minutes out anew from the log; compare them with the kept ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np
from django.db import transaction
from django.db.models import Model

from apps.content import selectors as content
from apps.core.upserts import add_up, summed
from apps.events import selectors as events
from apps.events.types import EventLog
from apps.features.models import Watermark
from apps.features.types import Comparison
from apps.insights import counting
from apps.insights.counting import CONSUMER, Ints
from apps.insights.models import ContentDay, FirstDay, Pulse, TouchedDay, ViewerDay

_KEYS: dict[type[Model], tuple[str, ...]] = {
    ViewerDay: ("day", "viewer"),
    ContentDay: ("day", "content"),
    Pulse: ("bucket_ms",),
}
Counts = dict[type[Model], tuple[Ints, Ints]]  # keys [k, m], amounts [a, m]


def rebuild(*, check: bool) -> Iterator[Comparison]:
    """Compare every table of counts with the log and replace it, unless `check`.

    Totals and cohorts are made of these rows: their days are marked, and the next roll-up works
    them out with the profiles and experiments of then.
    """
    start = time.perf_counter()
    counting.keep_up(batches=1_000_000)
    rebuilt, watermark = _read({}, (0, 0))
    with transaction.atomic():
        # Holds the consumer back, so that what it keeps stands still; most was read before.
        row = Watermark.objects.select_for_update().get(consumer=CONSUMER)
        while (row.transaction_id, row.event_id) != watermark:
            counting.keep_up(batches=1_000_000)
            rebuilt, watermark = _read(rebuilt, watermark)
            row.refresh_from_db()
        spent = (time.perf_counter() - start) / len(_KEYS)
        yield from [_compared(model, rebuilt, spent) for model in _KEYS]
        if not check:
            _replace(rebuilt)


def _read(known: Counts, watermark: tuple[int, int]) -> tuple[Counts, tuple[int, int]]:
    while True:
        log, watermark = events.since(watermark)
        if not len(log):
            return known, watermark
        known = _joined(known, log)


def _joined(known: Counts, log: EventLog) -> Counts:
    catalog = content.catalog()
    log = counting.counted(log, catalog)
    joined = dict(known)
    for model, keys, amounts in counting.rows_of(log, catalog):
        fresh = np.stack(list(keys.values())), np.stack(list(amounts.values()))
        parts = [known[model], fresh] if model in known else [fresh]
        both = [np.concatenate(column, axis=1) for column in zip(*parts, strict=True)]
        joined[model] = summed(both[0], both[1])
    return joined


def _columns(model: type[Model]) -> tuple[str, ...]:
    keys = _KEYS[model]
    return tuple(f.name for f in model._meta.fields if f.name not in {"id", *keys})


def _compared(model: type[Model], rebuilt: Counts, seconds: float) -> Comparison:
    columns = _columns(model)
    kept = {tuple(row) for row in model._default_manager.values_list(*_KEYS[model], *columns)}
    empty = np.empty((len(_KEYS[model]), 0), np.int64), np.empty((len(columns), 0), np.int64)
    told = {tuple(row) for row in np.concatenate(rebuilt.get(model, empty)).T.tolist()}
    n = len(_KEYS[model])
    differing = kept.symmetric_difference(told)
    keys = {row[:n] for row in differing}
    one, other = ({r[:n]: r[n:] for r in rows if r[:n] in keys} for rows in (kept, told))
    zeros = (0,) * len(columns)
    apart = [
        (abs(a - b), max(abs(a), abs(b), 1))
        for key in keys
        for a, b in zip(one.get(key, zeros), other.get(key, zeros), strict=True)
    ]
    return Comparison(
        f"insights.{model._meta.model_name}",
        rows=len(told),
        differing=len(keys),
        max_absolute=float(max((a for a, _ in apart), default=0)),
        max_relative=max((a / size for a, size in apart), default=0.0),
        seconds=seconds,
    )


def _replace(rebuilt: Counts) -> None:
    FirstDay.objects.all().delete()
    for kept in _KEYS:
        kept._default_manager.all().delete()
    for model, (keys, amounts) in rebuilt.items():
        add_up(model, _named(_KEYS[model], keys), _named(_columns(model), amounts))
    if ViewerDay in rebuilt:
        day, viewer = rebuilt[ViewerDay][0]
        counting.keep_first_days(viewer, day)
        rows = [TouchedDay(day=d) for d in np.unique(day).tolist()]
        TouchedDay.objects.bulk_create(rows, ignore_conflicts=True)


def _named(names: tuple[str, ...], rows: Ints) -> Mapping[str, Ints]:
    return dict(zip(names, rows, strict=True))
