"""What the select ranker learns from: slates as they were served, and pools made anew."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates.index import best_rows
from apps.content.types import Catalog
from apps.core.candidates import Candidates
from apps.events.types import EventLog, EventType, is_long_view
from apps.features.selectors import NAMES
from apps.learning.conf import TrainingParams
from apps.learning.moments import Moment
from apps.learning.outcomes import OUTCOME_WINDOW_MS
from apps.learning.slices import Slice
from apps.learning.slots import read_slots, slots_of
from apps.ranking.pool import opinions, rank_fusion
from apps.ranking.rankers import SELECT_HASH, SELECT_NAMES, select_features
from apps.ranking.types import Head


class Examples(NamedTuple):
    """Candidates with what became of them."""

    x: NDArray[np.float32]  # [n, len(SELECT_NAMES)]
    y: NDArray[np.float32]  # [n] 1 watched long, shown_label shown, 0 neither
    sizes: NDArray[np.int64]  # [pools] candidates of each, in order
    weight: float = 1.0  # of a candidate beside one of a pool that nobody was shown, (0, 1]

    @classmethod
    def none(cls) -> Examples:
        """Return no example."""
        width = len(SELECT_NAMES)
        return cls(np.empty((0, width), np.float32), np.empty(0, np.float32), np.empty(0, int))


def served_examples(log: EventLog, catalog: Catalog, params: TrainingParams) -> Examples:
    """Return what viewers did with slates of this feed, each slate a pool of what was viewed.

    Features are those that the ranker saw. What was not shown is no answer: against it a ranker
    would learn what is shown, by whatever orders the feed now, for what is liked.
    """
    if not len(log):
        return Examples.none()
    slots = read_slots(
        catalog,
        since_ms=int(log.at_ms[0]) - OUTCOME_WINDOW_MS,
        until_ms=int(log.at_ms[-1]) + 1,
        share=1,
        most=params.slates,
        log=log,
    )
    if not len(slots.viewed):
        return Examples.none()
    x = slots.features[slots.viewed]
    x[:, -len(NAMES) :] = slots.inputs.features[slots.viewed]
    sizes = np.unique(slots.slate[slots.viewed], return_counts=True)[1]
    y = slots.labels[Head.LONG_VIEW].astype(np.float32)
    return Examples(x, y, sizes, params.slate_weight)


def not_served(future: EventLog, catalog: Catalog) -> EventLog:
    """Return the views that no slate with its features led to: pools made anew teach them."""
    views = future.take((future.kind == EventType.VIEW) & (future.content >= 0))
    return views.take(np.isnan(slots_of(views, catalog, schema=SELECT_HASH)))


def slice_examples(part: Slice, then: Moment, params: TrainingParams) -> Examples:
    """Return the pools of the viewers who came in the slice's future, labeled by what they did."""
    rng = np.random.default_rng(params.seed)
    future = part.future.take((part.future.kind == EventType.VIEW) & (part.future.content >= 0))
    duration = then.catalog.duration_seconds[future.content]
    is_long = is_long_view(future.watch_seconds, duration, future.flags)
    viewers = np.intersect1d(future.viewer[is_long], part.past.viewer)
    if len(viewers) > params.max_viewers:
        viewers = rng.choice(viewers, params.max_viewers, replace=False)
    order = np.argsort(future.viewer, kind="stable")
    bounds = np.searchsorted(future.viewer[order], np.stack([viewers, viewers + 1]))
    kept = []
    for viewer, start, end in zip(viewers.tolist(), *bounds.tolist(), strict=True):
        mine = order[start:end]
        labels = np.zeros(len(then.catalog), np.float32)
        labels[future.content[mine]] = params.shown_label
        labels[future.content[mine[is_long[mine]]]] = 1
        kept.append(_viewer_examples(viewer, then, labels, params, rng))
    x = [part_x for part_x, _ in kept] or [np.empty((0, len(SELECT_NAMES)), np.float32)]
    y = [part_y for _, part_y in kept] or [np.empty(0, np.float32)]
    sizes = np.array([len(part_y) for part_y in y if len(part_y)], np.int64)
    return Examples(np.concatenate(x), np.concatenate(y), sizes)


def _viewer_examples(
    viewer: int,
    then: Moment,
    labels: NDArray[np.float32],
    params: TrainingParams,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the shown candidates of one viewer's pool, and some of the others."""
    request = then.request(viewer)
    pool: Candidates = then.pool(request)
    given = opinions(pool)
    # Only what fusion puts first is ever ranked: examples from elsewhere teach easy differences.
    ranked = best_rows(rank_fusion(given), params.ranked)
    y = labels[pool.rows[ranked]]
    others = np.flatnonzero(y == 0)
    if len(others) > params.negatives:
        others = rng.choice(others, params.negatives, replace=False)
    chosen = np.sort(ranked[np.concatenate([np.flatnonzero(y), others])])
    return select_features(request, pool, given, chosen), labels[pool.rows[chosen]]
