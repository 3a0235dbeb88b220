"""The heads' rankers: how fast the network learns and scores, and the cascade that a feed can pay.

The cascade scores 500 candidates with the network, the best 200 of them with the trees of the long
view, and blends those. Models are trained on made-up pairs of the real schema: time does not depend
on what they say.
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

from apps.features.encoding import N_BUCKETS
from apps.features.encoding import fit as fit_encoder
from apps.features.selectors import NAMES
from apps.ranking.algorithms.calibration import fit as calibrate
from apps.ranking.algorithms.hedge import Hedge
from apps.ranking.algorithms.loss import logit, sigmoid
from apps.ranking.blend import Blend, HeadBlend
from apps.ranking.boosted import BoostedParams
from apps.ranking.boosted import fit as fit_boosted
from apps.ranking.inputs import FIELDS, Inputs
from apps.ranking.neural import NeuralParams, NeuralRanker
from apps.ranking.types import BOOSTED, LEARNED, NEURAL, Head, Labels
from benchmarks.common import parser, report

_EXAMPLES, _CANDIDATES, _KEPT, _ROUNDS = 60_000, 500, 200, 300


def main() -> None:
    """Train both rankers, then time them."""
    given = parser(__doc__).parse_args()
    inputs, labels = made(_EXAMPLES)
    network = NeuralRanker(fit_encoder(inputs.features), NeuralParams(), LEARNED)
    started = time.perf_counter()
    network.partial_fit(inputs, labels)
    per_second = _EXAMPLES / (time.perf_counter() - started)
    trees = fit_boosted(inputs, labels, BoostedParams())
    pool = inputs.take(slice(0, _CANDIDATES))
    calibrator = calibrate(
        logit(network.predict(pool)[Head.LONG_VIEW]), labels[Head.LONG_VIEW][:500]
    )
    even = HeadBlend(Hedge(np.array([0.5, 0.5]), np.zeros(2)), calibrator)
    blend = Blend((BOOSTED, NEURAL), {Head.LONG_VIEW.value: even})

    def cascade() -> None:
        first = network.predict(pool)[Head.LONG_VIEW]
        kept = np.argsort(-first, kind="stable")[:_KEPT]
        second = trees.models[Head.LONG_VIEW].predict(pool.features[kept])
        blend.mix({NEURAL: {Head.LONG_VIEW: first[kept]}, BOOSTED: {Head.LONG_VIEW: second}})

    kept = pool.take(slice(0, _KEPT))
    report(
        "ranking",
        {
            "train_examples_per_s": per_second,
            "cascade_ms_500": cpu_ms(cascade),
            "neural_ms_500": cpu_ms(lambda: network.predict(pool)),
            "trees_all_heads_ms_200": cpu_ms(lambda: trees.predict(kept)),
        },
        given.json,
    )


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
    p = sigmoid(np.nan_to_num(x[:, :8]).sum(axis=1) / 3 - 1)
    labels = {head: (rng.random(n) < p).astype(np.float32) for head in LEARNED}
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
