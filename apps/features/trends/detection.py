"""Bucket by bucket: what burst, and what all contents' shares of the platform are by now."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.clock import HOUR_MS
from apps.features.algorithms import bursts
from apps.features.algorithms.bursts import Bucket, BurstState
from apps.features.conf import TRENDS
from apps.features.models import Trend, TrendBucket, TrendState
from apps.features.reader import stats
from apps.features.stats import WEEK, Counted
from apps.features.trends.buckets import BUCKET_MS, Counts, counts

_GRACE_MS = TRENDS.grace_minutes * 60_000
_OF_CONTENTS = tuple(f.name for f in fields(BurstState) if f.name != "spread")


def detect(now_ms: int) -> int:
    """Judge every closed bucket that was not judged yet; return how many contents burst.

    A bucket is judged in one transaction with the state that follows it.
    """
    last = (now_ms - _GRACE_MS) // BUCKET_MS * BUCKET_MS - BUCKET_MS
    n_bursts = 0
    while True:
        with transaction.atomic():
            row = TrendState.objects.select_for_update().filter(pk=1).first()
            after_ms = row.bucket_ms if row else 0
            waiting = TrendBucket.objects.filter(bucket_ms__gt=after_ms, bucket_ms__lte=last)
            bucket_ms = waiting.order_by("bucket_ms").values_list("bucket_ms", flat=True).first()
            if bucket_ms is None:
                break
            n_bursts += _judge(row, bucket_ms, now_ms)
    TrendBucket.objects.filter(bucket_ms__lt=now_ms - TRENDS.kept_hours * HOUR_MS).delete()
    return n_bursts


def _judge(row: TrendState | None, bucket_ms: int, now_ms: int) -> int:
    catalog, found = content.catalog(), counts(bucket_ms)
    if not (catalog.rows_of(found.content) >= 0).all():
        catalog = content.current_catalog()
    state = unpacked(row, catalog) if row else first_state(catalog, bucket_ms)
    bucket = _bucket(found, catalog, bucket_ms)
    state, chance, expected = bursts.step(state, bucket, TRENDS.burst)
    burst = np.flatnonzero(bursts.is_burst(chance, bucket.viewers, TRENDS.burst))
    strongest = burst[np.argsort(chance[burst], kind="stable")][: TRENDS.most]
    _store(catalog.content_pk[strongest], bucket, expected, strongest, bucket_ms)
    arrays = packed(state, catalog)
    TrendState.objects.update_or_create(pk=1, defaults={"bucket_ms": bucket_ms, **arrays})
    return len(strongest)


def _store(
    pks: NDArray[np.int64],
    bucket: Bucket,
    expected: NDArray[np.float64],
    rows: NDArray[np.int64],
    bucket_ms: int,
) -> None:
    """Note the bursts; one that goes on keeps its start and the baseline it rose above."""
    going_on = dict(
        Trend.objects.filter(content_id__in=pks.tolist(), factor__gt=0).values_list(
            "content_id", "baseline"
        )
    )
    for pk, row in zip(pks.tolist(), rows.tolist(), strict=True):
        seen = {"bucket_ms": bucket_ms, "viewers": float(bucket.viewers[row])}
        if pk in going_on:
            Trend.objects.filter(content_id=pk).update(**seen)
        else:
            first = {"started_ms": bucket_ms, "baseline": float(expected[row]), "factor": 0.0}
            Trend.objects.update_or_create(content_id=pk, defaults={**seen, **first})


def _bucket(found: Counts, catalog: Catalog, bucket_ms: int) -> Bucket:
    rows = catalog.rows_of(found.content)
    viewers, shown = np.zeros(len(catalog)), np.zeros(len(catalog))
    viewers[rows], shown[rows] = found.engaged, found.shown
    return Bucket(viewers, shown, catalog.uploaded_ms < bucket_ms + BUCKET_MS)


def first_state(catalog: Catalog, bucket_ms: int) -> BurstState:
    """Return what the counters know of contents' shares, before any bucket was judged.

    Long views of the last week stand for engaged viewers, so that what was always popular is no
    trend on the day the detector starts.
    """
    state = BurstState.empty(len(catalog))
    counted = stats().by["content"].all_at(Counted.LONG_VIEW, WEEK, bucket_ms)[: len(catalog)]
    viewers = np.append(counted, np.zeros(len(catalog) - len(counted)))
    traffic = np.where(viewers > 0, viewers.sum(), 0.0)
    return BurstState(viewers, traffic, state.shown, state.engaged_shown, state.spread)


def packed(state: BurstState, catalog: Catalog) -> dict[str, bytes]:
    """Return the columns of `TrendState`, by database key of the content."""
    columns = np.stack([getattr(state, name) for name in _OF_CONTENTS]).astype("<f4")
    known = columns.any(axis=0)
    return {
        "contents": catalog.content_pk[known].astype("<i8").tobytes(),
        "sums": columns[:, known].tobytes(),
        "spread": state.spread.astype("<f8").tobytes(),
    }


def unpacked(row: TrendState, catalog: Catalog) -> BurstState:
    """Return the stored state in the rows of a catalogue."""
    pks = np.frombuffer(row.contents, "<i8").astype(np.int64)
    sums = np.frombuffer(row.sums, "<f4").reshape(len(_OF_CONTENTS), len(pks))
    rows = catalog.rows_of(pks)
    columns = np.zeros((len(_OF_CONTENTS), len(catalog)))
    columns[:, rows[rows >= 0]] = sums[:, rows >= 0]
    spread = np.frombuffer(row.spread, "<f8").copy()
    return BurstState(**dict(zip(_OF_CONTENTS, columns, strict=True)), spread=spread)
