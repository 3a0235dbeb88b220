"""The objective: what the order of a feed adds up, and by how much (spec §5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apps.core.params import Overrides, register
from apps.ranking.types import LEARNED, SELECT, WATCH_QUANTILE, Head

TERMS: tuple[str, ...] = (SELECT, *LEARNED)
NEGATIVE: frozenset[str] = frozenset((Head.SKIP, Head.HIDE, Head.REPORT))
MOST = 10.0  # of a weight, either way
# A rarer head counts as this rare: else its noise, over next to nothing, would rule.
_RAREST = 1e-3
# The watch quantile hardly varies around its mean, so its weight is large; rare outcomes are
# predicted with noise, so theirs are small. On validation slices of KuaiRand and MovieLens these
# keep 99.9 % of select's NDCG@10, and the score does not follow the duration (ADR 16).
DEFAULTS: dict[str, float] = {
    SELECT: 1.0,
    Head.LONG_VIEW: 0.3,
    WATCH_QUANTILE: 4.0,
    Head.LIKE: 0.01,
    Head.REPLAY: 0.005,
    Head.COMMENT: 0.005,
    Head.SHARE: 0.005,
    Head.SAVE: 0.005,
    Head.FOLLOW: 0.005,
    Head.SKIP: -0.2,
    Head.HIDE: -0.1,
    Head.REPORT: -0.1,
}


def _range(term: str) -> tuple[float, float]:
    """Return the lowest and the highest weight that an experiment may give a term."""
    return (0.01 if term == SELECT else -MOST, 0.0 if term in NEGATIVE else MOST)


class WeightsError(ValueError):
    """Weights that no objective may have; the message says which."""


@dataclass(frozen=True, slots=True)
class Objective:
    """score = w_s · P_s / mean(P_s) + Σ_h w_h · (P_h / mean(P_h) − 1), s for select.

    Select adds its weight on average, a head nothing: it adds for what is above its mean and takes
    for what is below. Were heads not centered, what they say of everything alike would weaken what
    select says wherever scores are multiplied later (fatigue, editors, creator cap). The means are
    of the rankers at hand, so that weights keep their meaning when models change.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: DEFAULTS)
    version: int = 0  # 0: built in

    def under(self, overrides: Overrides) -> Objective:
        """Return the objective as a request's experiments have it."""
        seen = overrides.view("ranking", self)
        if seen is self:
            return self
        weights = {term: seen.weights.get(term, 0.0) for term in TERMS}
        return Objective({term: weight for term, weight in weights.items() if weight}, self.version)

    @property
    def heads(self) -> tuple[str, ...]:
        """Return the terms beside the select ranker that count at all."""
        return tuple(name for name in LEARNED if self.weights.get(name))

    def adds(
        self,
        predicted: Mapping[str, NDArray[np.float64]],
        means: Mapping[str, float],
        *,
        trust: float = 1.0,
    ) -> dict[str, NDArray[np.float64]]:
        """Return what each term adds to the score of each candidate, float64[n].

        predicted: float64[n] in [0, 1] of every term with a weight; one that is not finite adds 0.
        trust: (0, 1], how far the heads count: what they say after few views is mostly noise.
        """
        names = (SELECT, *self.heads)
        scale = np.array([self.weights[name] / max(means[name], _RAREST) for name in names])
        scale[1:] *= trust
        center = np.array([0.0, *(means[name] for name in self.heads)])
        above = np.array([predicted[name] for name in names]) - center[:, None]
        adds = np.where(np.isfinite(above), scale[:, None] * above, 0)
        return dict(zip(names, adds, strict=True))


SELECT_ALONE = Objective({SELECT: 1.0})
register("ranking", Objective(), {f"weights.{term}": _range(term) for term in DEFAULTS})


def checked(weights: Mapping[str, float]) -> dict[str, float]:
    """Return the weights that are not 0; raise `WeightsError` for what would break a feed."""
    for name, weight in weights.items():
        if name not in TERMS:
            raise WeightsError(f"{name}: there is no such term; expected {', '.join(TERMS)}")
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not is_number or not abs(weight) <= MOST:  # not: NaN is no number either
            raise WeightsError(f"{name}: {weight} is not a number from {-MOST:g} to {MOST:g}")
        if name in NEGATIVE and weight > 0:
            raise WeightsError(f"{name}: viewers do it to what they do not want; at most 0")
    if not weights.get(SELECT, 0) > 0:
        raise WeightsError("select: must be above 0, or nothing would ask what the viewer likes")
    return {name: float(weights[name]) for name in TERMS if weights.get(name)}
