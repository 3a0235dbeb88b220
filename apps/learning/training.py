"""Train everything that serves, from a log: retrieval, the select ranker, the heads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates.services import Background, fit_retrieval, read_background
from apps.candidates.types import RetrievalModels
from apps.content.types import Catalog
from apps.events.types import EventLog
from apps.features.encoding import Encoder, fit
from apps.features.replay import replay
from apps.learning.conf import TrainingParams
from apps.learning.moments import moment, pairs_of
from apps.learning.outcomes import label_views
from apps.learning.select_examples import (
    Examples,
    not_served,
    served_examples,
    slice_examples,
)
from apps.learning.slices import recent_slices, timed_views
from apps.ranking.algorithms import watch_quantiles
from apps.ranking.algorithms.watch_quantiles import WatchQuantiles
from apps.ranking.blend import Blend, Predictions, trees_only
from apps.ranking.blend import fit as fit_blend
from apps.ranking.boosted import BoostedRanker
from apps.ranking.boosted import fit as fit_boosted
from apps.ranking.boosters import MIN_POSITIVES
from apps.ranking.inputs import Inputs, ids_of
from apps.ranking.neural import NeuralRanker
from apps.ranking.rankers import SELECT_NAMES, Rankers
from apps.ranking.select import SelectRanker, unlearned
from apps.ranking.select import fit as fit_select
from apps.ranking.types import BOOSTED, LEARNED, NEURAL, SELECT, WATCH_QUANTILE, Labels

logger = logging.getLogger(__name__)

Say = Callable[[str], None]
_MAX_WATCH_SECONDS = 600.0  # a tab left open says nothing
_STREAM_BATCH = 2048  # views that the network predicts before it learns from them


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
    say("views and what came of them")
    views = known_views(log, catalog, params)
    # Making pools is Python, on one core; boosting is not: the other core learns all the rest.
    with ThreadPoolExecutor(1) as beside:
        learning = beside.submit(fit_heads, views, params)
        fitting = beside.submit(fit_retrieval, log, catalog, params.retrieval, background)
        select = train_select(list(_examples(log, catalog, params, background, say)), params)
        say("heads, and retrieval models on everything")
        heads, retrieval = learning.result(), fitting.result()
    return Trained(retrieval, heads.with_select(version, select), heads.encoder)


def _examples(
    log: EventLog,
    catalog: Catalog,
    params: TrainingParams,
    background: Background,
    say: Say,
) -> Iterator[Examples]:
    served = served_examples(log, catalog, params)
    if len(served.sizes):
        say(f"ranking examples from {len(served.sizes):,} slates")
        yield served
    for part in recent_slices(log, n=params.n_slices, share=params.slice_share):
        part = replace(part, future=not_served(part.future, catalog))
        if not len(part.future):
            continue
        say(f"ranking examples from {len(part.future):,} events after {len(part.past):,}")
        models = fit_retrieval(part.past, catalog, params.retrieval, background)
        then = moment(part.past, catalog, models, part.at_ms)
        yield slice_examples(part, then, params)
    say("select ranker")


def train_select(examples: list[Examples], params: TrainingParams) -> SelectRanker:
    """Return the ranker of pools; with hardly any positive example there is none to learn."""
    if not examples:
        return unlearned()
    x = [e.x for e in examples]
    y = np.concatenate([e.y for e in examples])
    sizes = np.concatenate([e.sizes for e in examples])
    counts_as = sum(e.weight * len(e.y) for e in examples)
    select = fit_select(x, y, sizes, SELECT_NAMES, params.select, counts_as=counts_as)
    if not select.is_learned:
        logger.warning("too few examples for the select ranker; sources' own order will serve")
    return select


class Heads(NamedTuple):
    """What answers for the heads, as `Rankers` holds it, and the encoder."""

    boosted: BoostedRanker
    neural: NeuralRanker | None
    blend: Blend
    watch: WatchQuantiles
    means: dict[str, float]  # of what each head says of the held views
    encoder: Encoder
    trust: float  # how far they count, (0, 1]

    def with_select(self, version: str, select: SelectRanker) -> Rankers:
        """Return all that scores."""
        means = self.means | {SELECT: select.mean}
        return Rankers(
            version, select, self.boosted, self.neural, self.blend, self.watch, means, self.trust
        )


class Views(NamedTuple):
    """The latest views of a log in order of time, as of their moments, and what came of them."""

    inputs: Inputs  # of n views
    labels: Labels  # of the heads
    seconds: NDArray[np.float32]  # [n] watched, NaN where not known


def train_heads(log: EventLog, catalog: Catalog, params: TrainingParams) -> Heads:
    """Return rankers, blend and watch quantiles of the latest views of a log."""
    return fit_heads(known_views(log, catalog, params), params)


def known_views(log: EventLog, catalog: Catalog, params: TrainingParams) -> Views:
    """Return the latest views with a known time; asks the database who they are of."""
    views = np.flatnonzero(timed_views(log))[-params.max_views :]
    shown = log.take(views)
    x = replay(log, catalog, pairs_of(shown, catalog))
    labels: Labels = {
        head: label.astype(np.float32) for head, label in label_views(log, views, catalog).items()
    }
    seconds = np.minimum(shown.watch_seconds, _MAX_WATCH_SECONDS)
    return Views(Inputs(x, ids_of(shown.viewer, shown.content, catalog)), labels, seconds)


def fit_heads(views: Views, params: TrainingParams) -> Heads:
    """Return what learned from views; touches no database, so that any thread may do it.

    Both rankers learn from the earlier views; on the latest ones, which neither has learned from,
    they are weighed. Then both learn from all: the trees anew, the network as the views come.
    """
    inputs, labels, seconds = views
    encoder = fit(inputs.features)
    watch = watch_quantiles.fit(seconds, inputs.duration)
    labels = labels | {WATCH_QUANTILE: watch.quantile(seconds, inputs.duration)}
    n_held = int(params.held_share * len(inputs))
    trust = len(inputs) / (len(inputs) + params.heads_kappa)
    if n_held < 2 * MIN_POSITIVES:
        boosted = fit_boosted(inputs, labels, params.boosted)
        means = {name: model.base for name, model in boosted.models.items()}
        return Heads(boosted, None, trees_only((BOOSTED, NEURAL)), watch, means, encoder, trust)
    neural, blend, expected = _train_together(inputs, labels, n_held, encoder, params)
    watch = watch.judged(expected[WATCH_QUANTILE], labels[WATCH_QUANTILE][-n_held:])
    means = {name: float(values.mean()) for name, values in expected.items()}
    boosted = fit_boosted(inputs, labels, params.boosted)
    return Heads(boosted, neural, blend, watch, means, encoder, trust)


def _train_together(
    inputs: Inputs, labels: Labels, n_held: int, encoder: Encoder, params: TrainingParams
) -> tuple[NeuralRanker, Blend, Predictions]:
    """Return the network that has learned from everything, and the blend by the held views.

    Beside them stands what was expected of each held view. The trees that are weighed here are
    thrown away, so they learn from the latest of the earlier views only.
    """
    early, held = slice(0, len(inputs) - n_held), slice(len(inputs) - n_held, None)
    known, known_labels = inputs.take(early), _part(labels, early)
    asked, answers = inputs.take(held), _part(labels, held)
    latest = slice(-params.weigh_views, None)
    weighed = fit_boosted(known.take(latest), _part(known_labels, latest), params.boosted)
    boosted = weighed.predict(asked)
    network = NeuralRanker(encoder, params.neural, LEARNED)
    network.fit(known, known_labels, validation=int(params.held_share * len(known)))
    prequential = _as_they_come(network, asked, answers)
    predicted = {BOOSTED: boosted, NEURAL: prequential}
    blend = fit_blend(predicted, answers)
    return network, blend, blend.mix(predicted)


def _as_they_come(network: NeuralRanker, inputs: Inputs, labels: Labels) -> Predictions:
    """Return the network's predictions of each batch before it learns from it."""
    parts = []
    for start in range(0, len(inputs), _STREAM_BATCH):
        part = slice(start, start + _STREAM_BATCH)
        parts.append(network.predict(inputs.take(part)))
        network.partial_fit(inputs.take(part), _part(labels, part))
    return {head: np.concatenate([p[head] for p in parts]) for head in network.heads}


def _part(labels: Labels, part: slice) -> Labels:
    return {head: label[part] for head, label in labels.items()}
