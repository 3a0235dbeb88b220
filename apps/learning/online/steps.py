"""One step: judge what serves on new examples, learn from them, judge what came of it.

Nothing here reads a clock, a database or a file: the same increment and the same examples give
the same weights, bit by bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.learning.algorithms.reservoir import places
from apps.learning.conf import OnlineParams
from apps.learning.online.types import Examples, Increment
from apps.ranking.blend import Predictions
from apps.ranking.inputs import Inputs
from apps.ranking.neural import NeuralRanker
from apps.ranking.types import BOOSTED, NEURAL

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Advance:
    """What came of a step."""

    increment: Increment  # the old one where the step was refused
    refusal: str  # why, empty where it was taken
    prequential: float  # loss of the network on the new examples before it learned from any
    held_before: float  # on those that judge the step
    held_after: float
    n_capped: int  # examples left out, as their viewer had enough


def advance(
    now: Increment,
    fresh: Examples,
    late: Examples,
    *,
    trees: Callable[[Inputs], Predictions],
    params: OnlineParams,
) -> Advance:
    """Return the increment after new examples in order of time, at least one.

    What is learned are the examples that judged the step before, the older part of the new ones,
    and `late` labels: outcomes that came when their view had been learned from as one without
    (only those labels are known). As many kept ones are learned again. The newest part judges
    whether the network may follow; the weights of the blend move by all of the new ones.
    """
    capped = fresh.take(_nth(fresh.viewer) < params.viewer_cap)
    heads = now.network.heads
    labels = capped.labels(heads)
    predicted = {BOOSTED: trees(capped.inputs), NEURAL: now.network.predict(capped.inputs)}
    n_held = math.ceil(params.held_share * len(capped))
    learned, held = capped.take(slice(0, -n_held)), capped.take(slice(-n_held, None))
    network = _learned(now, Examples.concat([now.waiting, learned, late]), params)
    before = now.network.losses(held.inputs, held.labels(heads))
    after = network.losses(held.inputs, held.labels(heads))
    following = Increment(
        network=network,
        blend=now.blend.after(predicted, labels),
        kept=_kept(now, Examples.concat([now.waiting, learned]), params),
        waiting=held,
        n_steps=now.n_steps + 1,
        n_examples=now.n_examples + len(now.waiting) + len(learned),
    )
    refusal = _refusal(network, before, after, params.dead_band)
    return Advance(
        increment=now if refusal else following,
        refusal=refusal,
        prequential=float(now.network.losses(capped.inputs, labels).mean()),
        held_before=float(before.mean()),
        held_after=float(after.mean()),
        n_capped=len(fresh) - len(capped),
    )


def _learned(now: Increment, examples: Examples, params: OnlineParams) -> NeuralRanker:
    """Return a network that has learned from the examples, and from as many kept ones."""
    network = now.network.copied(
        batch=params.batch, rate=params.rate, floor=params.floor, l2_rows=params.l2_rows
    )
    rng = _rng(now, params)
    for part in _batches(len(examples), params.batch):
        new = examples.take(part)
        network.partial_fit(new.inputs, new.labels(network.heads))
        if len(now.kept):
            again = now.kept.take(rng.integers(0, len(now.kept), len(new)))
            network.rehearse(again.inputs, again.labels(network.heads))
    network.limit(params.max_norm)
    return network


def _refusal(network: NeuralRanker, before: Doubles, after: Doubles, dead_band: float) -> str:
    """Return why the network may not follow, from the losses [n] of the same examples.

    The mean may rise within the dead band, and beyond it by what two standard errors of the paired
    difference allow: of a hundred examples the mean moves by more than the band by chance.
    """
    if not (network.is_finite() and np.isfinite(after).all()):
        return "a weight is no number"
    rise = after - before
    error = rise.std(ddof=1) / math.sqrt(len(rise)) if len(rise) > 1 else math.inf
    if rise.mean() - 2 * error <= dead_band * before.mean():
        return ""
    return f"loss on the newest views rises from {before.mean():.4f} to {after.mean():.4f}"


def _kept(now: Increment, new: Examples, params: OnlineParams) -> Examples:
    if not len(new):
        return now.kept
    where = places(len(new), len(now.kept), params.reservoir, _rng(now, params))
    # Positions among [kept, new]; of several for one place the last one stays.
    source = np.arange(min(params.reservoir, len(now.kept) + len(new)))
    for position, place in enumerate(where.tolist()):
        source[place] = len(now.kept) + position
    return Examples.concat([now.kept, new]).take(source)


def _rng(now: Increment, params: OnlineParams) -> np.random.Generator:
    return np.random.default_rng([params.seed, now.n_steps])


def _batches(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def _nth(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many equal values stand before each one, int64[n]."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    is_start = np.append(True, ordered[1:] != ordered[:-1])[: len(values)]
    start = np.maximum.accumulate(np.where(is_start, np.arange(len(values)), 0))
    nth = np.empty(len(values), np.int64)
    nth[order] = np.arange(len(values)) - start
    return nth
