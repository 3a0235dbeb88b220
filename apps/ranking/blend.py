"""The blend: rankers mixed by how well they did lately, then calibrated, head by head."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms import calibration
from apps.ranking.algorithms.calibration import IDENTITY, Calibrator
from apps.ranking.algorithms.hedge import Hedge, best_weights
from apps.ranking.algorithms.loss import logit, losses, sigmoid
from apps.ranking.boosters import MIN_POSITIVES
from apps.ranking.types import BOOSTED, LEARNED, Labels

Predictions = dict[str, NDArray[np.float64]]  # a head → float64[n]
_FILE = "blend.json"


@dataclass(frozen=True, slots=True)
class HeadBlend:
    """How the rankers are mixed for one head."""

    hedge: Hedge  # of the experts in the blend's order
    calibrator: Calibrator = IDENTITY


@dataclass(frozen=True, slots=True)
class Blend:
    """z = Σ_m w_m · logit p_m, calibrated, for every head."""

    experts: tuple[str, ...]
    heads: dict[str, HeadBlend]

    def mix(self, predicted: dict[str, Predictions]) -> Predictions:
        """Return each head's probability from the experts' that are alive.

        predicted: expert → head → float64[n]. One that is not there, or not finite for a pair,
        leaves its weight to the others; where none is left the answer is NaN.
        """
        return {
            name: _calibrated(_mixed(self._logits(predicted, name), head.hedge), head)
            for name, head in self.heads.items()
        }

    def after(self, predicted: dict[str, Predictions], labels: Labels) -> Blend:
        """Return the blend with weights moved by what came of pairs [n], in order of time."""
        heads = {}
        for name, head in self.heads.items():
            known = np.isfinite(labels[name])
            z = self._logits(predicted, name)[known]
            each = losses(z, labels[name][known][:, None])
            worst = np.nanmax(each, axis=1, initial=0, keepdims=True)
            each = np.where(np.isfinite(each), each, worst)
            heads[name] = replace(head, hedge=head.hedge.after(each))
        return replace(self, heads=heads)

    def weights(self) -> dict[str, dict[str, float]]:
        """Return head → expert → weight."""
        return {
            name: dict(zip(self.experts, head.hedge.weights().tolist(), strict=True))
            for name, head in self.heads.items()
        }

    def save(self, folder: Path) -> None:
        """Write weights and calibrators."""
        heads = {
            name: {
                "prior": head.hedge.prior.tolist(),
                "total": head.hedge.total.tolist(),
                "knots": head.calibrator.knots.tolist(),
                "values": head.calibrator.values.tolist(),
                "tail": head.calibrator.tail,
            }
            for name, head in self.heads.items()
        }
        facts = {"experts": self.experts, "heads": heads}
        (folder / _FILE).write_text(json.dumps(facts, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Blend:
        """Read a blend."""
        facts = json.loads((folder / _FILE).read_text())
        heads = {
            name: HeadBlend(
                Hedge(np.array(head["prior"]), np.array(head["total"])),
                Calibrator(np.array(head["knots"]), np.array(head["values"]), head["tail"]),
            )
            for name, head in facts["heads"].items()
        }
        return cls(tuple(facts["experts"]), heads)

    def _logits(self, predicted: dict[str, Predictions], head: str) -> NDArray[np.float64]:
        n = len(next(iter(predicted.values()))[head])
        missing = {head: np.full(n, np.nan)}
        return np.stack([logit(predicted.get(e, missing)[head]) for e in self.experts], axis=1)


def trees_only(experts: Sequence[str]) -> Blend:
    """Return the blend that repeats the boosted ranker: what serves before anything is judged."""
    return Blend(tuple(experts), {name: HeadBlend(_all_for_trees(experts)) for name in LEARNED})


def fit(predicted: dict[str, Predictions], labels: Labels) -> Blend:
    """Return weights and calibrators from pairs [n] that the rankers had not learned from.

    A head with fewer than 40 positive or negative labels cannot be judged: it is the trees'.
    """
    experts = tuple(predicted)
    blank = trees_only(experts)
    heads = {}
    for name, unjudged in blank.heads.items():
        known = np.isfinite(labels[name])
        y = labels[name][known].astype(np.float64)
        if min(y.sum(), (1 - y).sum()) < MIN_POSITIVES:
            heads[name] = unjudged
            continue
        z = blank._logits(predicted, name)[known]
        hedge = Hedge(best_weights(z, y), np.zeros(len(experts)))
        heads[name] = HeadBlend(hedge, calibration.fit(_mixed(z, hedge), y))
    return Blend(experts, heads)


def _all_for_trees(experts: Sequence[str]) -> Hedge:
    return Hedge(np.array([float(name == BOOSTED) for name in experts]), np.zeros(len(experts)))


def _calibrated(z: NDArray[np.float64], head: HeadBlend) -> NDArray[np.float64]:
    return np.asarray(sigmoid(head.calibrator(z)), np.float64)


def _mixed(z: NDArray[np.float64], hedge: Hedge) -> NDArray[np.float64]:
    """Return Σ_m w_m z_m over the finite logits, float64[n]; the weights of the others are theirs.

    Where the finite ones have no weight at all they share it equally.
    """
    weight = np.where(np.isfinite(z), hedge.weights(), 0)
    total = weight.sum(axis=1, keepdims=True)
    equal = np.isfinite(z).astype(np.float64)
    weight = np.where(total > 0, weight, equal)
    total = weight.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.where(weight > 0, z, 0) * weight).sum(axis=1) / total)
