"""The blend: rankers mixed by how well they did lately, head by head.

Both rankers learn probabilities, and so does their mix mean some. A map that makes good for what
they missed on the held views would be applied to rankers that have learned from these meanwhile:
it made calibration worse (ADR 34).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.hedge import STEP, Hedge, best_weights, together
from apps.ranking.algorithms.loss import logit, losses, sigmoid
from apps.ranking.boosters import MIN_POSITIVES
from apps.ranking.types import BOOSTED, LEARNED, Labels

Predictions = dict[str, NDArray[np.float64]]  # a head → float64[n]
_FILE = "blend.json"


@dataclass(frozen=True, slots=True)
class Blend:
    """z = Σ_m w_m · logit p_m for every head."""

    experts: tuple[str, ...]
    heads: dict[str, Hedge]  # of the experts in this order

    def mix(
        self, predicted: dict[str, Predictions], heads: Iterable[str] | None = None
    ) -> Predictions:
        """Return the probability of each head, or of some, from the experts' that are alive.

        predicted: expert → head → float64[n]. One that is not there, or not finite for a pair,
        leaves its weight to the others; where none is left the answer is NaN.
        """
        names = list(heads or self.heads)
        alive = [i for i, expert in enumerate(self.experts) if expert in predicted]
        weights = together([self.heads[name] for name in names]).weights()[:, alive]
        z = _mixed(self._logits(predicted, names)[..., alive], weights)
        return dict(zip(names, np.asarray(sigmoid(z), np.float64), strict=True))

    def after(self, predicted: dict[str, Predictions], labels: Labels) -> Blend:
        """Return the blend with weights moved by what came of pairs [n], in order of time."""
        heads = {}
        for name, hedge in self.heads.items():
            known = np.isfinite(labels[name])
            z = self._logits(predicted, [name])[0, known]
            each = losses(z, labels[name][known][:, None])
            worst = np.nanmax(each, axis=1, initial=0, keepdims=True)
            each = np.where(np.isfinite(each), each, worst)
            heads[name] = hedge.after(each)
        return replace(self, heads=heads)

    def weights(self) -> dict[str, dict[str, float]]:
        """Return head → expert → weight."""
        return {
            name: dict(zip(self.experts, hedge.weights().tolist(), strict=True))
            for name, hedge in self.heads.items()
        }

    def save(self, folder: Path) -> None:
        """Write where the experts stand."""
        heads = {
            name: {"prior": hedge.prior.tolist(), "total": hedge.total.tolist()}
            for name, hedge in self.heads.items()
        }
        facts = {"experts": self.experts, "heads": heads}
        (folder / _FILE).write_text(json.dumps(facts, indent=1))

    @classmethod
    def load(cls, folder: Path) -> Blend:
        """Read a blend."""
        facts = json.loads((folder / _FILE).read_text())
        heads = {
            name: Hedge(np.array(head["prior"]), np.array(head["total"]))
            for name, head in facts["heads"].items()
        }
        return cls(tuple(facts["experts"]), heads)

    def _logits(
        self, predicted: dict[str, Predictions], heads: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return float64[heads, n, experts], NaN of who is not there."""
        n = len(next(iter(predicted.values()))[heads[0]])
        z = np.full((len(self.experts), len(heads), n), np.nan)
        for of_expert, expert in zip(z, self.experts, strict=True):
            if expert in predicted:
                of_expert[:] = logit(np.array([predicted[expert][head] for head in heads]))
        return z.transpose(1, 2, 0)


def trees_only(experts: Sequence[str]) -> Blend:
    """Return what serves before anything is judged: the trees' word, all but a step of it."""
    shares = np.array([1 - STEP if name == BOOSTED else STEP for name in experts])
    hedge = Hedge(shares / shares.sum(), np.zeros(len(experts)))
    return Blend(tuple(experts), dict.fromkeys(LEARNED, hedge))


def fit(predicted: dict[str, Predictions], labels: Labels) -> Blend:
    """Return the weights from pairs [n] that the rankers had not learned from.

    A head with fewer than 40 positive or negative labels cannot be judged: it stays the trees'.
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
        z = blank._logits(predicted, [name])[0, known]
        heads[name] = Hedge(best_weights(z, y), np.zeros(len(experts)))
    return Blend(experts, heads)


def _mixed(z: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Σ_m w_m z_m over the finite logits, float64[…, n]; the others' weights are theirs.

    z: [..., n, experts]; weights: [..., experts]. Where the finite ones have no weight at all they
    share it equally.
    """
    is_finite = np.isfinite(z)
    if is_finite.all() and (weights.sum(axis=-1) > 0).all():
        shares = weights / weights.sum(axis=-1, keepdims=True)
        return np.asarray((z @ shares[..., None])[..., 0])
    weight = np.where(is_finite, weights[..., None, :], 0)
    weight = np.where(weight.sum(axis=-1, keepdims=True) > 0, weight, is_finite)
    with np.errstate(invalid="ignore"):
        total = (np.where(weight > 0, z, 0) * weight).sum(axis=-1)
        return np.asarray(total / weight.sum(axis=-1))
