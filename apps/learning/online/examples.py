"""What viewers did with slates, as examples: features as they were served, labels as they settled.

A view's labels are what had arrived `delay_ms` after the view itself had: late enough for most, and
the same whenever one asks. An outcome that arrives later is a late positive: it is learned in a
second pass as the one known label of its view, and only when the log comes to it. A view without
it has been learned from once: p is learned as p/(1+λp) where a share λ comes late (Ktena et al.
2019), which at the rates of such outcomes is nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.events import selectors as events
from apps.events.models import Slate
from apps.events.selectors import Traced
from apps.events.types import EventLog, EventType
from apps.features.selectors import NAMES, SCHEMA
from apps.learning.online.types import Examples
from apps.learning.outcomes import OUTCOME_KINDS, OUTCOME_WINDOW_MS, label_views, view_of
from apps.ranking.algorithms.watch_quantiles import WatchQuantiles
from apps.ranking.inputs import Inputs, ids_of
from apps.ranking.rankers import SELECT_HASH
from apps.ranking.types import LEARNED, WATCH_QUANTILE

Watermark = tuple[int, int]
IS_BUFFERED = Q(kind=EventType.VIEW, request_id__isnull=False)
_SLOT = NAMES.index("slot")
_MAX_WATCH_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the log becomes examples."""

    after: Watermark
    until: Watermark  # the last event of it
    delay_ms: int  # that labels have to arrive
    known_until_ms: int  # views up to then have been learned from


class Found(NamedTuple):
    """The examples of a window, and why other views are none."""

    fresh: Examples  # views of the window
    late: Examples  # outcomes of the window that came late, of any view
    skipped: Counter[str]


def read(window: Window, watch: WatchQuantiles) -> Found:
    """Return what a window of the log teaches; four queries, whatever its size.

    Viewers who refused personalization teach nothing.
    """
    kinds = Q(kind__in=[kind.value for kind in OUTCOME_KINDS], content__isnull=False)
    spans = list(
        events.committed(window.after)
        .filter(IS_BUFFERED | kinds, events.learnable())
        .filter(_not_after(window.until))
        .values_list("viewer_id", "occurred_ms")
    )
    none = Examples.none(len(LEARNED))
    if not spans:
        return Found(none, none, Counter())
    viewers, occurred = zip(*spans, strict=True)
    traced = events.traced(
        set(viewers),
        after_ms=min(occurred) - OUTCOME_WINDOW_MS,
        until_ms=max(occurred) + OUTCOME_WINDOW_MS + 1,
    )
    return _examples(traced, window, watch, content.catalog())


def _not_after(watermark: Watermark) -> Q:
    transaction_id, event_id = watermark
    earlier = Q(transaction_id__lt=transaction_id)
    return earlier | Q(transaction_id=transaction_id, id__lte=event_id)


def _examples(traced: Traced, window: Window, watch: WatchQuantiles, catalog: Catalog) -> Found:
    log = traced.log
    views = np.flatnonzero((log.kind == EventType.VIEW) & (log.content >= 0))
    is_named = np.array([traced.request_id[view] is not None for view in views.tolist()], np.bool_)
    is_before = np.array([mark <= window.after for mark in traced.watermark], np.bool_)
    is_until = np.array([mark <= window.until for mark in traced.watermark], np.bool_)
    is_timely = ~_late(traced, views, window.delay_ms)

    labels = _labels(log, views, is_timely, catalog)
    seconds = np.minimum(log.watch_seconds[views], _MAX_WATCH_SECONDS)
    labels[WATCH_QUANTILE] = watch.quantile(seconds, catalog.duration_seconds[log.content[views]])
    y = np.stack([labels[head] for head in LEARNED], axis=1).astype(np.float32)
    is_fresh = is_named & (is_until & ~is_before)[views]
    is_known = log.at_ms[views] <= window.known_until_ms
    skipped = Counter({"known": int((is_fresh & is_known).sum())})
    is_fresh &= ~is_known
    fresh = _served(traced, views[is_fresh], y[is_fresh], catalog, skipped)

    said = _labels(log, views, is_timely | is_before, catalog)
    came = np.full_like(y, np.nan)
    for head, is_said in _labels(log, views, is_timely | is_until, catalog).items():
        came[is_said & ~said[head], LEARNED.index(head)] = 1
    has_come = is_named & np.isfinite(came).any(axis=1)
    late = _served(traced, views[has_come], came[has_come], catalog, Counter())
    return Found(fresh, late, +skipped)


def _late(traced: Traced, views: NDArray[np.int64], delay_ms: int) -> NDArray[np.bool_]:
    """Return bool[events]: outcomes that came when the labels of their view had settled."""
    log = traced.log
    of = view_of(log, log.take(views))
    is_outcome = np.isin(log.kind, OUTCOME_KINDS) & (of >= 0)
    settled_ms = np.zeros(len(log), np.int64)
    settled_ms[is_outcome] = traced.received_ms[views[of[is_outcome]]] + delay_ms
    return is_outcome & (traced.received_ms > settled_ms)


def _labels(
    log: EventLog, views: NDArray[np.int64], kept: NDArray[np.bool_], catalog: Catalog
) -> dict[str, NDArray]:
    """Return what came of the views by those events alone; views themselves are always kept."""
    return dict(label_views(log.take(kept), (np.cumsum(kept) - 1)[views], catalog))


def _served(
    traced: Traced,
    views: NDArray[np.int64],
    y: NDArray[np.float32],
    catalog: Catalog,
    skipped: Counter[str],
) -> Examples:
    """Return the examples among views whose features their slates have kept; count the others."""
    log = traced.log
    slates = _slates({traced.request_id[view] for view in views.tolist()})
    features = np.empty((len(views), len(NAMES)), np.float32)
    stays = np.zeros(len(views), np.bool_)
    for i, view in enumerate(views.tolist()):
        slate = slates.get(traced.request_id[view])
        row = int(log.content[view])
        found = slate.row_of(int(log.viewer[view]), int(catalog.content_pk[row])) if slate else None
        if isinstance(found, str) or found is None:
            skipped[found or "no slate"] += 1
            continue
        features[i], stays[i] = found, True
    kept = views[stays]
    ids = ids_of(log.viewer[kept], log.content[kept], catalog)
    return Examples(Inputs(features[stays], ids), y[stays], log.viewer[kept])


class _Served(NamedTuple):
    """One slate, as far as examples need it."""

    viewer: int
    schema: str
    content_pks: bytes
    features: bytes

    def row_of(self, viewer: int, content_pk: int) -> NDArray[np.float32] | str:
        """Return the features float32[len(SCHEMA)] of a slot, or why there are none."""
        pks = np.frombuffer(self.content_pks, "<i8")
        slots = np.flatnonzero(pks == content_pk)
        if viewer != self.viewer or not len(slots):
            return "not in the slate"
        if not self.schema:
            return "no features"
        if self.schema != SELECT_HASH:
            return "other features"
        slot = int(slots[0])
        packed = np.frombuffer(self.features, "<f4").reshape(len(pks), -1)
        row = packed[slot, -len(NAMES) :].copy()
        if np.isnan(row).all():  # an editor's pin that nobody has scored
            return "no features"
        row[_SLOT] = min(slot + 1, SCHEMA[_SLOT].high)
        return row


def _slates(ids: Sequence[UUID | None] | set[UUID | None]) -> dict[UUID | None, _Served]:
    fields = ("viewer_id", "feature_schema", "content_pks", "features")
    rows = Slate.objects.filter(id__in=[i for i in ids if i]).values_list("id", *fields)
    return {row[0]: _Served(row[1], row[2], bytes(row[3]), bytes(row[4])) for row in rows}
