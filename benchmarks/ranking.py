"""The rankers: how fast the network learns and scores, and the cascade that a feed pays for.

The cascade is the one that serves (`apps/ranking/cascade.py`) under the weights built in: rank
fusion of 500 candidates, select and the network on the best 200 of them, the heads'
trees on the best 50. Features are given; those of the pool have a figure of their own, the others
are in `benchmarks/feed.py`. Models are trained on made-up pairs of the real schema, with outcomes
as frequent as on KuaiRand: how large the trees are depends on that, nothing on what they say.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

import numpy as np

from apps.candidates.index import best_rows
from apps.candidates.sources import SOURCE_NAMES
from apps.core.candidates import Candidates
from apps.features.encoding import N_BUCKETS
from apps.features.encoding import fit as fit_encoder
from apps.features.selectors import NAMES
from apps.feed.conf import PARAMS
from apps.ranking import cascade
from apps.ranking.algorithms.loss import logit, sigmoid
from apps.ranking.algorithms.watch_quantiles import NOTHING_WATCHED
from apps.ranking.blend import fit as fit_blend
from apps.ranking.boosted import BoostedParams
from apps.ranking.boosted import fit as fit_boosted
from apps.ranking.inputs import FIELDS, Inputs
from apps.ranking.neural import NeuralParams, NeuralRanker
from apps.ranking.objective import Objective
from apps.ranking.pool import opinions, pool_features, rank_fusion
from apps.ranking.rankers import SELECT_NAMES, Rankers
from apps.ranking.select import SelectParams
from apps.ranking.select import fit as fit_select
from apps.ranking.types import BOOSTED, LEARNED, NEURAL, SELECT, WATCH_QUANTILE, Head, Labels
from benchmarks.common import parser, report

_EXAMPLES, _CANDIDATES, _ROUNDS = 60_000, 500, 300
_RATES = {Head.LONG_VIEW: 0.3, Head.SKIP: 0.3, WATCH_QUANTILE: 0.5, Head.COMPLETE: 0.15}
_RARE = 0.01  # of the other heads
_POOL = 50  # candidates of a made-up pool


def main() -> None:
    """Train the rankers, then time them."""
    given = parser(__doc__).parse_args()
    inputs, labels = made(_EXAMPLES)
    network = NeuralRanker(fit_encoder(inputs.features), NeuralParams(), LEARNED)
    started = time.perf_counter()
    network.partial_fit(inputs, labels)
    per_second = _EXAMPLES / (time.perf_counter() - started)
    rankers = rankers_of(inputs, labels, network)
    pool = inputs.take(slice(0, _CANDIDATES))
    candidates = made_pool(_CANDIDATES)
    objective, refined = Objective(), PARAMS.refined

    opinion = opinions(candidates)
    everything = np.concatenate([pool_features(opinion), pool.features], axis=1)

    def serve() -> None:
        kept = best_rows(rank_fusion(opinion), PARAMS.ranked)
        cascade.score(rankers, objective, everything[kept], pool.take(kept), refined=refined)

    few, some = pool.take(slice(0, refined)), pool.take(slice(0, PARAMS.ranked))
    x = everything[: len(some)]
    report(
        "ranking",
        {
            "train_examples_per_s": per_second,
            "cascade_ms_500": cpu_ms(serve),
            "pool_features_ms_500": cpu_ms(lambda: pool_features(opinions(candidates))),
            "select_ms_200": cpu_ms(lambda: rankers.select.predict(x)),
            "neural_ms_200": cpu_ms(lambda: network.predict(some)),
            "neural_ms_500": cpu_ms(lambda: network.predict(pool)),
            "trees_all_heads_ms_50": cpu_ms(lambda: rankers.boosted.predict(few)),
        },
        given.json,
    )


def rankers_of(inputs: Inputs, labels: Labels, network: NeuralRanker) -> Rankers:
    """Return everything that scores, as large as training makes it."""
    opinion = opinions(made_pool(len(inputs)))
    x = np.concatenate([pool_features(opinion), inputs.features], axis=1)
    y, sizes = labels[Head.LONG_VIEW], np.full(len(inputs) // _POOL, _POOL)
    select = fit_select(x, y, sizes, SELECT_NAMES, SelectParams())
    trees = fit_boosted(inputs, labels, BoostedParams())
    asked = inputs.take(slice(0, 5000))
    predicted = {BOOSTED: trees.predict(asked), NEURAL: network.predict(asked)}
    blend = fit_blend(predicted, {head: label[:5000] for head, label in labels.items()})
    means = dict.fromkeys((SELECT, *LEARNED), 0.1)
    return Rankers("made", select, trees, network, blend, NOTHING_WATCHED, means)


def made_pool(n: int) -> Candidates:
    """Return candidates of which a third of the sources has no opinion."""
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(len(SOURCE_NAMES), n)).astype(np.float32)
    scores[rng.random(scores.shape) < 1 / 3] = np.nan
    columns = {f"score.{name}": scores[i] for i, name in enumerate(SOURCE_NAMES)}
    return Candidates(np.arange(n), {**columns, "sources": np.ones(n, np.uint32)})


def made(n: int) -> tuple[Inputs, Labels]:
    """Return pairs with ids of a heavy tail, and labels that the features decide a little."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, len(NAMES))).astype(np.float32)
    x[rng.random(x.shape) < 0.05] = np.nan
    columns = [
        1 + rng.zipf(1.3, n) % min(N_BUCKETS[name] - 1, 30_000)
        for name, width in FIELDS
        for _ in range(width)
    ]
    of_features = np.nan_to_num(x[:, :8]).sum(axis=1) / 3
    labels = {
        head: (rng.random(n) < sigmoid(of_features + logit(rate))).astype(np.float32)
        for head in LEARNED
        for rate in (np.float64(_RATES.get(head, _RARE)),)
    }
    return Inputs(x, np.stack(columns, axis=1).astype(np.int64)), labels


def cpu_ms(work: Callable[[], object]) -> float:
    """Return the median CPU time of a call, in milliseconds."""
    times = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return 1000 * float(np.median(times[_ROUNDS // 10 :]))


if __name__ == "__main__":
    main()
