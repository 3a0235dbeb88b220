"""A stream whose viewers change their minds at once: trees, network and blend through it.

Each kind of viewer likes some topics and not others, and that turns around in between. Trees are
retrained every 20,000 pairs on the latest 20,000; the network learns from each batch of 64 after
predicting it; Hedge weighs both by the same predictions.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

import numpy as np
from numpy.typing import NDArray

from apps.features.encoding import fit as fit_encoder
from apps.features.selectors import NAMES
from apps.learning.algorithms.metrics import auc
from apps.ranking.algorithms.hedge import Hedge
from apps.ranking.algorithms.loss import sigmoid
from apps.ranking.blend import Blend, HeadBlend
from apps.ranking.boosters import BoosterParams, Frame, Model
from apps.ranking.inputs import FIELDS, Inputs
from apps.ranking.neural import NeuralParams, NeuralRanker
from apps.ranking.types import BOOSTED, NEURAL, Head
from benchmarks.common import parser, report

_WINDOW, _BATCH = 20_000, 64
_BEFORE, _AFTER = 100_000, 60_000
_KINDS, _TOPICS = 16, 10
_CATEGORY = [name for name, _ in FIELDS].index("category")  # its column of ids
_KIND, _TOPIC = NAMES.index("surface"), slice(0, _TOPICS)
# Learning as pairs come takes smaller steps more often, and its rate must not fade (ADR 13).
_ONLINE = NeuralParams(batch=_BATCH, rate=0.01, floor=0.01, l2_rows=1e-3)


def main() -> None:
    """Stream, then judge every window of 20,000 pairs."""
    given = parser(__doc__).parse_args()
    inputs, y = stream(_BEFORE + _AFTER)
    predicted = as_they_come(inputs, y)
    starts = range(_WINDOW, len(y) - _WINDOW + 1, _WINDOW // 4)
    windows = np.array([[of(p, y, start) for p in predicted.values()] for start in starts])
    behind = windows[:, :2].max(axis=1) - windows[:, 2]
    last_before = _BEFORE - _WINDOW
    figures = {}
    for name, values in predicted.items():
        figures[f"{name}_auc_before"] = of(values, y, last_before)
        figures[f"{name}_auc_0_20k_after"] = of(values, y, _BEFORE)
        figures[f"{name}_auc_20k_40k_after"] = of(values, y, _BEFORE + _WINDOW)
        figures[f"{name}_auc_15k_20k_after"] = of(values, y, _BEFORE + 15_000, 5000)
        figures[f"{name}_auc_whole"] = of(values, y, _WINDOW, len(y))
    report("drift", figures | {"blend_furthest_behind_better": float(behind.max())}, given.json)


def stream(n: int) -> tuple[Inputs, NDArray[np.float32]]:
    """Return pairs in order of time and who likes what; the sign of interest turns in between."""
    rng = np.random.default_rng(0)
    likes = 1.2 * rng.normal(size=(_KINDS, _TOPICS))
    kind, topic = rng.integers(0, _KINDS, n), rng.integers(0, _TOPICS, n)
    sign = np.where(np.arange(n) < _BEFORE, 1, -1)
    x = np.full((n, len(NAMES)), np.nan, np.float32)
    x[:, _KIND], x[:, _TOPIC] = kind, np.eye(_TOPICS)[topic]
    inputs = Inputs.of_strangers(x)
    inputs.ids[:, 0], inputs.ids[:, _CATEGORY] = kind + 1, topic + 1
    return inputs, (rng.random(n) < sigmoid(sign * likes[kind, topic])).astype(np.float32)


def as_they_come(inputs: Inputs, y: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Return what trees, network and blend predict of each pair before it is learned from."""
    head = Head.LIKE.value
    network = NeuralRanker(fit_encoder(inputs.features[:_WINDOW]), _ONLINE, (head,))
    even = HeadBlend(Hedge(np.array([0.5, 0.5]), np.zeros(2)))
    blend, trees = Blend((BOOSTED, NEURAL), {head: even}), Model(None, 0.5)
    parts: dict[str, list[NDArray[np.float64]]] = {BOOSTED: [], NEURAL: [], "blend": []}
    trained = 0
    for start in range(0, len(y), _BATCH):
        if start - trained >= _WINDOW:
            recent = slice(start - _WINDOW, start)
            frame = Frame(inputs.features[recent], list(NAMES))
            trees, trained = Model(frame.train(y[recent], BoosterParams()), 0.5), start
        here = slice(start, start + _BATCH)
        batch, labels = inputs.take(here), {head: y[here]}
        both = {BOOSTED: {head: trees.predict(batch.features)}, NEURAL: network.predict(batch)}
        for name, values in (both | {"blend": blend.mix(both)}).items():
            parts[name].append(values[head])
        blend = blend.after(both, labels)
        network.partial_fit(batch, labels)
    return {name: np.concatenate(values) for name, values in parts.items()}


def of(
    predicted: NDArray[np.float64], y: NDArray[np.float32], start: int, n: int = _WINDOW
) -> float:
    """Return the AUC of n pairs from `start` on."""
    return auc(y[start : start + n] > 0, predicted[start : start + n])


if __name__ == "__main__":
    main()
