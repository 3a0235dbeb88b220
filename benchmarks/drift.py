"""A stream whose viewers change their minds at once: the loop of incremental training through it.

Each kind of viewer likes some topics and not others, and that turns around in between. Network and
trees begin with the first 20,000 pairs; trees are retrained every 20,000 on the latest 20,000. The
product's own loop runs unattended: when `is_due` says so, `advance` judges network and blend on
what was buffered, learns from it with the product's parameters, and the result serves unless the
newest part refuses it. Every pair is predicted by what served when it came.

What is lost is compared with the AUC of the true chances of the same pairs, as that of 5,000 pairs
is .007 off by chance. The parameters were chosen on the seeds 0 and 10 (and on KuaiRand, whose AUC
must not suffer); the figures are those of 1 to 3, each the worst.
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
from apps.learning.conf import OnlineParams
from apps.learning.online.steps import advance
from apps.learning.online.trigger import is_due
from apps.learning.online.types import Examples, Increment
from apps.ranking.algorithms.hedge import Hedge
from apps.ranking.algorithms.loss import sigmoid
from apps.ranking.blend import Blend
from apps.ranking.boosters import BoosterParams, Frame, Model
from apps.ranking.inputs import FIELDS, Inputs
from apps.ranking.neural import NeuralParams, NeuralRanker
from apps.ranking.types import BOOSTED, NEURAL, Head
from benchmarks.common import parser, report

_WINDOW = 20_000
_BEFORE, _AFTER = 100_000, 60_000
_KINDS, _TOPICS = 16, 10
_CATEGORY = [name for name, _ in FIELDS].index("category")  # its column of ids
_KIND, _TOPIC = NAMES.index("surface"), slice(0, _TOPICS)
_HEAD = Head.LIKE.value
_JUDGED = (1, 2, 3)


def main() -> None:
    """Stream, then judge every window of 20,000 pairs."""
    given = parser(__doc__)
    given.add_argument("--seed", type=int, action="append", help="streams, instead of 1 to 3")
    args = given.parse_args()
    each = [figures(seed) for seed in args.seed or _JUDGED]
    worst = {
        name: (max if "lost" in name or "behind" in name or "refused" in name else min)(
            figures_of[name] for figures_of in each
        )
        for name in each[0]
    }
    report("drift", worst, args.json)


def figures(seed: int) -> dict[str, float]:
    """Return what one stream says."""
    inputs, y, truth = stream(_BEFORE + _AFTER, seed)
    predicted, n_refused = as_they_come(inputs, y, OnlineParams())
    starts = range(_WINDOW, len(y) - _WINDOW + 1, _WINDOW // 4)
    windows = np.array([[of(p, y, start) for p in predicted.values()] for start in starts])
    found: dict[str, float] = {}
    for name, values in predicted.items():
        found[f"{name}_auc_before"] = of(values, y, _BEFORE - _WINDOW)
        found[f"{name}_auc_0_20k_after"] = of(values, y, _BEFORE)
        found[f"{name}_auc_15k_20k_after"] = of(values, y, _BEFORE + 15_000, 5000)
        found[f"{name}_auc_20k_40k_after"] = of(values, y, _BEFORE + _WINDOW)
        found[f"{name}_auc_whole"] = of(values, y, _WINDOW, len(y))
    found |= {
        f"blend_lost_{name}": short(predicted["blend"], truth, y, _BEFORE + start, n)
        - short(predicted["blend"], truth, y, _BEFORE - _WINDOW, _WINDOW)
        for name, start, n in (("15k_20k_after", 15_000, 5000), ("20k_40k_after", _WINDOW, _WINDOW))
    }
    found["blend_furthest_behind_better"] = float((windows[:, :2].max(1) - windows[:, 2]).max())
    found["steps_refused"] = n_refused
    return found


def short(
    predicted: NDArray[np.float64], truth: NDArray, y: NDArray[np.float32], start: int, n: int
) -> float:
    """Return by how much the AUC of n pairs is below that of their true chances.

    How easy a few thousand pairs happen to be is in both, and cancels.
    """
    return of(truth, y, start, n) - of(predicted, y, start, n)


def stream(n: int, seed: int) -> tuple[Inputs, NDArray[np.float32], NDArray[np.float64]]:
    """Return pairs in order of time, who likes what, and the chance of it.

    The sign of interest turns in between.
    """
    rng = np.random.default_rng(seed)
    likes = 1.2 * rng.normal(size=(_KINDS, _TOPICS))
    kind, topic = rng.integers(0, _KINDS, n), rng.integers(0, _TOPICS, n)
    sign = np.where(np.arange(n) < _BEFORE, 1, -1)
    x = np.full((n, len(NAMES)), np.nan, np.float32)
    x[:, _KIND], x[:, _TOPIC] = kind, np.eye(_TOPICS)[topic]
    inputs = Inputs.of_strangers(x)
    inputs.ids[:, 0], inputs.ids[:, _CATEGORY] = kind + 1, topic + 1
    chance = sigmoid(sign * likes[kind, topic])
    return inputs, (rng.random(n) < chance).astype(np.float32), chance


def as_they_come(
    inputs: Inputs, y: NDArray[np.float32], params: OnlineParams
) -> tuple[dict[str, NDArray[np.float64]], int]:
    """Return what trees, network and blend predict of each pair, and how many steps were refused.

    Each pair is of another viewer, of whom 16 kinds have one embedding each.
    """
    network = NeuralRanker(fit_encoder(inputs.features[:_WINDOW]), NeuralParams(), (_HEAD,))
    known = inputs.take(slice(0, _WINDOW))
    network.fit(known, {_HEAD: y[:_WINDOW]}, validation=_WINDOW // 7)
    even = Hedge(np.array([0.5, 0.5]), np.zeros(2))
    now = Increment.of(network, Blend((BOOSTED, NEURAL), {_HEAD: even}))
    none, trees = Examples.none(1), Model(None, 0.5)
    unasked = [np.full(_WINDOW, 0.5)]  # of the pairs that the bundle begins with
    parts = {name: list(unasked) for name in (BOOSTED, NEURAL, "blend")}
    start, trained, n_refused = _WINDOW, 0, 0
    for end in range(_WINDOW + 1, len(y) + 1):
        if not (is_due(end - start, 0, params) or end == len(y)):
            continue
        if start - trained >= _WINDOW:
            recent = slice(start - _WINDOW, start)
            frame = Frame(inputs.features[recent], list(NAMES))
            trees, trained = Model(frame.train(y[recent], BoosterParams()), 0.5), start
        pairs = Examples(inputs.take(slice(start, end)), y[start:end, None], np.arange(start, end))
        of_trees = {_HEAD: trees.predict(pairs.inputs.features)}
        both = {BOOSTED: of_trees, NEURAL: now.network.predict(pairs.inputs)}
        for name, values in (both | {"blend": now.blend.mix(both)}).items():
            parts[name].append(values[_HEAD])
        step = advance(now, pairs, none, trees=lambda _, p=of_trees: p, params=params)
        now, n_refused, start = step.increment, n_refused + bool(step.refusal), end
    return {name: np.concatenate(values) for name, values in parts.items()}, n_refused


def of(
    predicted: NDArray[np.float64], y: NDArray[np.float32], start: int, n: int = _WINDOW
) -> float:
    """Return the AUC of n pairs from `start` on."""
    return auc(y[start : start + n] > 0, predicted[start : start + n])


if __name__ == "__main__":
    main()
