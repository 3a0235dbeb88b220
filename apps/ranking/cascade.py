"""The cascade: cheap rankers on every candidate, the dear ones on the best (design §6).

Select on all that is ranked, the network's heads on all, the heads' trees on the best by both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.index import best_rows
from apps.ranking.inputs import Inputs
from apps.ranking.objective import Objective
from apps.ranking.rankers import Rankers
from apps.ranking.types import BOOSTED, NEURAL, SELECT

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of n candidates, and what each term of the objective added."""

    score: Doubles  # [n]
    adds: dict[str, Doubles]  # term → [n]


def score(
    rankers: Rankers,
    objective: Objective,
    features: NDArray[np.float32],
    inputs: Inputs,
    *,
    refined: int,
) -> Scored:
    """Return the scores of candidates [n].

    features: float32[n, len(SELECT_NAMES)]; inputs: the same n pairs; refined: of how many, the
    best so far, the heads' trees are asked too. The network speaks for the others.
    """
    if not len(inputs):
        return Scored(np.empty(0), {})
    predicted = {SELECT: rankers.select.predict(features)}
    if not objective.heads:
        return _sum(objective, predicted, rankers)
    names = objective.heads
    if rankers.neural is None or refined >= len(inputs):
        return _sum(objective, predicted | rankers.predict_some(inputs, names), rankers)
    network = rankers.neural.predict(inputs)
    heads = rankers.blend.mix({NEURAL: network}, names)
    best = best_rows(_sum(objective, predicted | heads, rankers).score, refined)
    both = {
        NEURAL: {name: network[name][best] for name in names},
        BOOSTED: rankers.boosted.predict_some(inputs.take(best), names),
    }
    for name, values in rankers.blend.mix(both, names).items():
        heads[name][best] = values
    return _sum(objective, predicted | heads, rankers)


def _sum(objective: Objective, predicted: dict[str, Doubles], rankers: Rankers) -> Scored:
    adds = objective.adds(predicted, rankers.means, trust=rankers.trust)
    return Scored(np.sum(list(adds.values()), axis=0), adds)
