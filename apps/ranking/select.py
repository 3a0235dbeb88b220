"""The select ranker: which candidate of a pool the viewer will watch next, by two boosters.

Both start from what the viewer's own views say of a candidate (`candidates.taste`), which needs no
training: from few examples trees learn little, and what they have not learned they leave as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.loss import logit, sigmoid
from apps.ranking.boosters import MIN_POSITIVES, BoosterParams, Frame, Model, load, margins

ANCHOR = "score.liked_kinds"  # the feature that trees start from
_CHANCE_FILE, _ORDER_FILE = "select.txt", "select_order.txt"
_LEAST_HOPE = 1e-4
_NEWTON_STEPS = 8
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SelectParams:
    """How both boosters are trained."""

    chance: BoosterParams = field(
        default_factory=lambda: BoosterParams(
            objective="cross_entropy", trees=150, leaves=31, rate=0.06, min_leaf=50
        )
    )
    order: BoosterParams = field(
        default_factory=lambda: BoosterParams(
            objective="lambdarank", trees=150, leaves=31, rate=0.06, min_leaf=50
        )
    )


class Anchor(NamedTuple):
    """A line from the logarithm of one feature to log odds: where trees start."""

    column: int = -1  # of the feature, −1: nothing to start from
    slope: float = 0.0
    intercept: float = 0.0

    def odds(self, x: NDArray[np.float32]) -> Doubles:
        """Return float64[n] for x float32[n, f]; where the feature is not known, of the least."""
        if self.column < 0:
            return np.zeros(len(x))
        return np.asarray(self.intercept + self.slope * _log_hope(x[:, self.column]))


@dataclass(frozen=True, slots=True)
class SelectRanker:
    """The mean of two opinions in log odds: the chance of a long view, and the place in the pool.

    `order` learned places (lambdarank) and has no unit. `line` puts its scores on the scale of the
    other's log odds: as spread within a pool and on average, over the pools learned from. A score
    does not depend on the other candidates.
    """

    chance: Model
    order: Model
    anchor: Anchor = Anchor()
    line: tuple[float, float] = (1.0, 0.0)  # slope, intercept
    mean: float = 0.0  # of what is predicted, over the candidates learned from

    @property
    def is_learned(self) -> bool:
        """Say whether there is more than a base rate."""
        return self.chance.is_learned and self.order.is_learned

    def predict(self, x: NDArray[np.float32]) -> Doubles:
        """Return float64[n] in (0, 1) for x float32[n, len(SELECT_NAMES)]."""
        slope, intercept = self.line
        chance, order = self._margins(x)
        return np.asarray(sigmoid((chance + slope * order + intercept) / 2), np.float64)

    def _margins(self, x: NDArray[np.float32]) -> Doubles:
        """Return the log odds of `chance` and of `order`, float64[2, n]."""
        return self.anchor.odds(x) + margins([self.chance, self.order], x)

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the gain, the mean of both boosters."""
        chance, order = self.chance.importance(), self.order.importance()
        return {name: (gain + order.get(name, 0.0)) / 2 for name, gain in chance.items()}

    def save(self, folder: Path) -> dict[str, Any]:
        """Write both boosters; return what else `load_select` needs."""
        self.chance.save(folder / _CHANCE_FILE)
        self.order.save(folder / _ORDER_FILE)
        return {
            "base": self.chance.base,
            "anchor": self.anchor,
            "line": self.line,
            "mean": self.mean,
        }


def load_select(folder: Path, facts: dict[str, Any]) -> SelectRanker:
    """Read both boosters; their files' hashes must have been checked."""
    slope, intercept = facts["line"]
    return SelectRanker(
        load(folder / _CHANCE_FILE, facts["base"]),
        load(folder / _ORDER_FILE, 0.0),
        Anchor(*facts["anchor"]),
        (slope, intercept),
        facts["mean"],
    )


def unlearned() -> SelectRanker:
    """Return the ranker of nothing learned: the next step of the ladder serves."""
    return SelectRanker(Model(None, 0.0), Model(None, 0.0))


def fit(
    x: NDArray[np.float32] | list[NDArray[np.float32]],
    y: NDArray[np.float32],
    sizes: NDArray[np.int64],
    names: Sequence[str],
    params: SelectParams,
) -> SelectRanker:
    """Return the ranker of pools that stand one below the other.

    x float32[n, f], in parts or whole; y float32[n]: 1 watched long, between shown, 0 neither;
    sizes int64[pools], of sum n. Fewer than 40 positive labels are too few.
    """
    if np.count_nonzero(y == 1) < MIN_POSITIVES:
        return unlearned()
    parts = x if isinstance(x, list) else [x]
    anchor = _anchor(parts, y, names)
    start = np.concatenate([anchor.odds(part) for part in parts]) if anchor.column >= 0 else None
    frame = Frame(x, list(names))
    chance = Model(frame.train(y, params.chance, start), float(y.mean()))
    order = Model(frame.train_order(_grades(y), sizes, params.order, start), 0.0)
    found = SelectRanker(chance, order, anchor)
    chances, places = np.concatenate([found._margins(part) for part in parts], axis=1)
    slope = _spread(chances, sizes) / max(_spread(places, sizes), 1e-9)
    line = (slope, float(chances.mean() - slope * places.mean()))
    mixed = sigmoid((chances + slope * places + line[1]) / 2)
    return replace(found, line=line, mean=float(mixed.mean()))


def _anchor(
    parts: list[NDArray[np.float32]], y: NDArray[np.float32], names: Sequence[str]
) -> Anchor:
    """Return the line by logistic regression on the logarithm of the feature, never falling."""
    if ANCHOR not in names:
        return Anchor()
    column = list(names).index(ANCHOR)
    hope = np.concatenate([_log_hope(part[:, column]) for part in parts])
    design = np.stack([hope, np.ones(len(hope))], axis=1)
    line = np.array([0.0, float(logit(y.mean()))])
    for _ in range(_NEWTON_STEPS):
        chance = sigmoid(design @ line)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design
        line = line + np.linalg.solve(curvature + np.eye(2), design.T @ (y - chance))
    if line[0] <= 0:
        return Anchor()
    return Anchor(column, *line.tolist())


def _log_hope(hope: NDArray[np.float32]) -> Doubles:
    known = np.nan_to_num(hope.astype(np.float64), nan=0.0)
    return np.asarray(np.log(np.maximum(known, _LEAST_HOPE)))


def _grades(y: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return 2 for watched long, 1 for shown, 0 for neither."""
    return (y > 0).astype(np.int32) + (y == 1)


def _spread(values: Doubles, sizes: NDArray[np.int64]) -> float:
    """Return the root of the mean variance within pools."""
    starts = np.cumsum(sizes) - sizes
    mean = np.add.reduceat(values, starts) / sizes
    variance = np.add.reduceat((values - np.repeat(mean, sizes)) ** 2, starts) / sizes
    return float(np.sqrt(variance.mean()))
