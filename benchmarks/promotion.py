"""How often the gates, and the canary after them, promote a broken, an equal, a better candidate.

Each run is a world of its own: viewers with tastes, contents, a production ranker that sees tastes
through noise, and a candidate: production's scores shuffled within each viewer, production itself,
one as noisy as production by other noise, one with less. Both gates over lists and heads must pass.
Then comes the canary (`canaries.py`), with what a candidate does to those who are served it: by
shuffled scores they watch less, by better ones a tenth more, by those with a price they skip more
as well. The chain is both; canaries are also run for what the gates have refused.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

import numpy as np
from numpy.typing import NDArray

from apps.learning.algorithms.metrics import ranking_metrics
from apps.learning.algorithms.promotion import GateParams, is_proven, judge_heads, judge_lists
from benchmarks import canaries
from benchmarks.canaries import Effect
from benchmarks.common import parser, report

_VIEWERS, _CONTENTS, _FACTORS, _RELEVANT, _SHOWN = 400, 150, 8, 6, 12
_NOISE, _LESS_NOISE = 1.0, 0.8
_PARAMS = GateParams(main_heads=("long_view",))
_RATE = -1.0  # logit of a long view by nobody in particular


# What a candidate does to its viewers, by kind; the last has the offline figures of a better one.
_EFFECTS = {
    "shuffled": Effect(watch=0.8, skips=1.3),
    "itself": Effect(),
    "as good": Effect(),
    "better": Effect(watch=1.1),
    "better, more skips": Effect(watch=1.1, skips=1.25),
}


class World(NamedTuple):
    """What viewers want, went on to watch, and made of what they were shown."""

    taste: NDArray[np.float64]  # [viewers, contents]
    relevant: NDArray[np.bool_]  # [viewers, contents]
    shown: NDArray[np.int64]  # [viewers, shown]
    label: NDArray[np.bool_]  # [viewers · shown]


def make_world(rng: np.random.Generator) -> World:
    """Return viewers who watch what they like, by chance."""
    viewers = rng.normal(size=(_VIEWERS, _FACTORS))
    taste = viewers @ rng.normal(size=(_FACTORS, _CONTENTS)) / np.sqrt(_FACTORS)
    wanted = np.argsort(-(2 * taste + rng.gumbel(size=taste.shape)), axis=1)[:, :_RELEVANT]
    relevant = np.zeros(taste.shape, np.bool_)
    np.put_along_axis(relevant, wanted, True, axis=1)
    shown = np.argsort(rng.random(taste.shape), axis=1)[:, :_SHOWN]
    chance = _sigmoid(np.take_along_axis(taste, shown, axis=1) + _RATE).ravel()
    return World(taste, relevant, shown, rng.random(len(chance)) < chance)


def is_promoted(
    world: World, candidate: NDArray[np.float64], production: NDArray[np.float64], *, refresh: bool
) -> bool:
    """Say whether the gates let scores [viewers, contents] replace production's."""
    lists = judge_lists(
        _ndcg(world, candidate), _ndcg(world, production), _PARAMS, is_refresh=refresh
    )
    heads = judge_heads(
        {"long_view": world.label},
        {"long_view": _probability(world, candidate)},
        {"long_view": _probability(world, production)},
        _PARAMS,
    )
    return is_proven([lists, heads])


def _ndcg(world: World, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    top = np.argsort(-scores, axis=1)[:, : _PARAMS.k]
    hits = np.take_along_axis(world.relevant, top, axis=1)
    found = ranking_metrics(hits, np.full(_VIEWERS, _RELEVANT), _PARAMS.k)
    return found[f"ndcg@{_PARAMS.k}"]


def _probability(world: World, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a ranker that knows its own noise would say: scores shrunk to the mean."""
    shown = np.take_along_axis(scores, world.shown, axis=1)
    return _sigmoid(shown / scores.var() + _RATE).ravel()  # tastes have variance 1


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def main() -> None:
    """Simulate and count."""
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, default=200)
    given = arguments.parse_args()
    runs = range(given.runs)
    passed = [_passed_offline(np.random.default_rng(run)) for run in runs]
    figures: dict[str, float] = {"runs": given.runs}
    for kind, effect in _EFFECTS.items():
        for rule in ("change", "refresh"):
            name, key = f"{kind}, {rule}", (kind, rule)
            ended = [
                canaries.run(np.random.default_rng(run), effect, is_refresh=rule == "refresh")
                for run in runs
            ]
            offline = np.array([by_key[key] for by_key in passed])
            canary = np.array([e.is_promoted for e in ended])
            figures |= {
                f"{name}: passed offline": float(offline.mean()),
                f"{name}: passed the canary": float(canary.mean()),
                f"{name}: promoted by the chain": float((offline & canary).mean()),
                f"{name}: stopped by a guardrail": float(np.mean([e.is_harm for e in ended])),
                f"{name}: days of the canary": float(np.mean([e.days for e in ended])),
                f"{name}: viewers served": float(np.mean([e.viewers for e in ended])),
            }
    for kind, effect in {**_EFFECTS, "a fifth less watched": Effect(watch=0.8)}.items():
        hours = [canaries.rolled_back_after(np.random.default_rng(run), effect) for run in runs]
        late = [hour for hour in hours if hour is not None]
        figures[f"{kind}: rolled back in the holdback"] = len(late) / len(hours)
        figures[f"{kind}: hours until then"] = float(np.mean(late)) if late else float("nan")
    report("promotion", figures, given.json)


def _passed_offline(rng: np.random.Generator) -> dict[tuple[str, str], bool]:
    """Return which candidates of one world pass both offline gates, by kind and rule."""
    world = make_world(rng)
    shape = world.taste.shape
    production = world.taste + _NOISE * rng.normal(size=shape)
    better = world.taste + _LESS_NOISE * rng.normal(size=shape)
    candidates = {
        "shuffled": rng.permuted(production, axis=1),
        "itself": production,
        "as good": world.taste + _NOISE * rng.normal(size=shape),
        "better": better,
        "better, more skips": better,
    }
    return {
        (kind, rule): is_promoted(world, scores, production, refresh=rule == "refresh")
        for kind, scores in candidates.items()
        for rule in ("change", "refresh")
    }


if __name__ == "__main__":
    main()
