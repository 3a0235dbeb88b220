"""Train everything that serves, from a log: retrieval, the select ranker, the heads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates.services import Background, fit_retrieval, read_background
from apps.candidates.types import RetrievalModels
from apps.content.types import Catalog
from apps.core.candidates import Candidates
from apps.events.types import EventLog, EventType, is_long_view
from apps.features.encoding import Encoder, fit
from apps.features.replay import replay
from apps.features.selectors import NAMES
from apps.learning.conf import TrainingParams
from apps.learning.moments import Moment, moment, pairs_of
from apps.learning.outcomes import label_views
from apps.learning.slices import Slice, recent_slices, timed_views
from apps.ranking.boosters import MIN_POSITIVES, Frame, Model
from apps.ranking.pool import opinions
from apps.ranking.rankers import SELECT_NAMES, Rankers, WatchTime, select_features
from apps.ranking.types import Head

logger = logging.getLogger(__name__)

Say = Callable[[str], None]
_MAX_WATCH_SECONDS = 600.0  # a tab left open says nothing
_COMMON_RATE = 0.02  # heads rarer than this get few small trees: they have few examples


class Trained(NamedTuple):
    """One version of everything that was learned from a log."""

    retrieval: RetrievalModels
    rankers: Rankers
    encoder: Encoder


def train_all(
    log: EventLog, catalog: Catalog, params: TrainingParams, *, version: str, say: Say
) -> Trained:
    """Return retrieval models and rankers that know nothing but `log`."""
    say("what contents are")
    background = read_background(catalog, params.retrieval)
    # Not kept in a name: the examples are most of the memory, and gone when the heads are trained.
    select = train_select(list(_examples(log, catalog, params, background, say)), params)
    say("heads")
    heads, watch, encoder = train_heads(log, catalog, params)
    say("retrieval models on everything")
    retrieval = fit_retrieval(log, catalog, params.retrieval, background)
    return Trained(retrieval, Rankers(version, select, heads, watch), encoder)


def _examples(
    log: EventLog,
    catalog: Catalog,
    params: TrainingParams,
    background: Background,
    say: Say,
) -> Iterator[Examples]:
    for part in recent_slices(log, n=params.n_slices, share=params.slice_share):
        say(f"ranking examples from {len(part.future):,} events after {len(part.past):,}")
        models = fit_retrieval(part.past, catalog, params.retrieval, background)
        then = moment(part.past, catalog, models, part.at_ms)
        yield slice_examples(part, then, params)
    say("select ranker")


class Examples(NamedTuple):
    """Candidates with what became of them."""

    x: NDArray[np.float32]  # [n, len(SELECT_NAMES)]
    y: NDArray[np.float32]  # [n] 1 watched long, shown_label shown, 0 neither


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
    return Examples(np.concatenate(x), np.concatenate(y))


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
    y = labels[pool.rows]
    others = np.flatnonzero(y == 0)
    if len(others) > params.negatives:
        others = rng.choice(others, params.negatives, replace=False)
    chosen = np.sort(np.concatenate([np.flatnonzero(y), others]))
    return select_features(request, pool, opinions(pool), chosen), y[chosen]


def train_select(examples: list[Examples], params: TrainingParams) -> Model:
    """Return the ranker of pools; without any positive example there is none to learn."""
    if not examples:
        return Model(None, 0.0)
    x = [e.x for e in examples]
    y = np.concatenate([e.y for e in examples])
    if np.count_nonzero(y == 1) < MIN_POSITIVES:
        logger.warning("too few examples for the select ranker; sources' own order will serve")
        return Model(None, 0.0)
    return Model(Frame(x, list(SELECT_NAMES)).train(y, params.select), float(y.mean()))


def train_heads(
    log: EventLog, catalog: Catalog, params: TrainingParams
) -> tuple[dict[str, Model], WatchTime, Encoder]:
    """Return one model a head, the watch-time model and the encoder, from the latest views."""
    views = np.flatnonzero(timed_views(log))[-params.max_views :]
    labels = label_views(log, views, catalog)
    x = replay(log, catalog, pairs_of(log.take(views), catalog))
    encoder = fit(x)
    if len(views) < 2 * MIN_POSITIVES:
        bases = {head.value: Model(None, _base_rate(labels[head])) for head in Head}
        return bases, WatchTime(), encoder
    frame = Frame(x, list(NAMES))
    heads = {head.value: _train_head(frame, labels[head], params) for head in Head}
    return heads, _train_watch(x, log.watch_seconds[views], params), encoder


def _train_head(frame: Frame, label: NDArray[np.bool_], params: TrainingParams) -> Model:
    n_positive, base = int(label.sum()), _base_rate(label)
    if n_positive < MIN_POSITIVES or n_positive > len(label) - MIN_POSITIVES:
        return Model(None, base)
    chosen = params.head if base > _COMMON_RATE else params.rare_head
    return Model(frame.train(label.astype(np.float32), chosen), base)


def _base_rate(label: NDArray[np.bool_]) -> float:
    return (int(label.sum()) + 0.1) / (len(label) + 1)


def _train_watch(
    x: NDArray[np.float32], seconds: NDArray[np.float32], params: TrainingParams
) -> WatchTime:
    """Learn log(1 + seconds), whose errors are even, and the factor that makes the mean right.

    The factor is Duan's smearing (1983): the exponential of a mean logarithm is too small a mean.
    """
    known = np.isfinite(seconds)
    if np.count_nonzero(known) < MIN_POSITIVES:
        return WatchTime()
    if not known.all():  # else a copy of all features for nothing
        x, seconds = x[known], seconds[known]
    seconds = np.minimum(seconds, _MAX_WATCH_SECONDS)
    booster = Frame(x, list(NAMES)).train(np.log1p(seconds), params.watch)
    model = Model(booster, float(np.log1p(seconds).mean()))
    typical = np.expm1(model.predict(x, threads=2)).mean()
    return WatchTime(model, float(seconds.mean() / max(typical, 1e-6)))
