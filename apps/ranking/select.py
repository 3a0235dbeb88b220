"""The select ranker: which candidate of a pool the viewer will watch next, by a line and trees.

The line weighs what sources and counters say (`algorithms.choice`); it is learned from the order
within pools. Trees start from it and add what no line can say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.calibration import fit_platt
from apps.ranking.algorithms.choice import Scaling, fit_choice, fit_scaling
from apps.ranking.algorithms.loss import sigmoid
from apps.ranking.boosters import MIN_POSITIVES, BoosterParams, Frame, Model, load

HOPE = "score.liked_kinds"  # what the viewer's own views say of a candidate, learned or not
_TREES_FILE = "select.txt"
_LEAST_HOPE = 1e-4
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SelectParams:
    """How line and trees are trained."""

    l2: float = 0.03  # penalty of a weight beside a loss that is a mean over pools, of many
    # Candidates learned from at which the penalty is twice, the trees' rate half that of many, ≥ 0
    few_for_line: float = 600_000.0
    few_for_trees: float = 165_000.0
    trees: BoosterParams = field(
        default_factory=lambda: BoosterParams(
            objective="cross_entropy", trees=60, leaves=15, rate=0.05, feature_share=0.3
        )
    )


@dataclass(frozen=True, slots=True)
class Line:
    """Log odds that are linear in some of the features, scaled."""

    columns: NDArray[np.int64]  # [f] of the features that it reads
    hope: int  # which of them is read as a logarithm, −1: none
    scaling: Scaling
    weights: Doubles  # [f]
    intercept: float

    def odds(self, x: NDArray[np.float32]) -> Doubles:
        """Return float64[n] for x float32[n, len(SELECT_NAMES)]."""
        scaled = self.scaling(_read(x, self.columns, self.hope))
        # Not by matrix product: a candidate's score must not depend on how many are asked about.
        return np.asarray((scaled * self.weights).sum(axis=1) + self.intercept)

    def facts(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "columns": self.columns.tolist(),
            "hope": self.hope,
            "scaling": {
                name: getattr(self.scaling, name).tolist()
                for name in ("mean", "deviation", "filler")
            },
            "weights": self.weights.tolist(),
            "intercept": self.intercept,
        }

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Line:
        """Return the line whose `facts` these are."""
        scaling = {name: np.array(v, np.float32) for name, v in facts["scaling"].items()}
        return cls(
            np.array(facts["columns"], np.int64),
            facts["hope"],
            Scaling(**scaling),
            np.array(facts["weights"], np.float64),
            facts["intercept"],
        )


@dataclass(frozen=True, slots=True)
class SelectRanker:
    """The chance of a long view: a line in log odds, and trees that add to it.

    A score does not depend on the other candidates.
    """

    line: Line | None
    trees: Model
    mean: float = 0.0  # of what is predicted, over the candidates learned from

    @property
    def is_learned(self) -> bool:
        """Say whether there is anything to go by."""
        return self.line is not None

    def predict(self, x: NDArray[np.float32]) -> Doubles:
        """Return float64[n] in (0, 1) for x float32[n, len(SELECT_NAMES)]."""
        if self.line is None:
            return np.full(len(x), self.trees.base)
        return np.asarray(sigmoid(self.line.odds(x) + self.trees.margin(x)), np.float64)

    def importance(self) -> dict[str, float]:
        """Return each feature's share: the mean of those of the weights and of the trees' gain."""
        if self.line is None:
            return {}
        gain = self.trees.importance()
        weight = np.zeros(len(gain))
        weight[self.line.columns] = np.abs(self.line.weights)
        weight /= max(float(weight.sum()), 1e-12)
        shares = (weight + np.array(list(gain.values()))) / 2
        return dict(zip(gain, shares.tolist(), strict=True))

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the trees; return what else `load_select` needs."""
        self.trees.save(folder / _TREES_FILE)
        return {
            "base": self.trees.base,
            "line": self.line.facts() if self.line else None,
            "mean": self.mean,
        }


def load_select(folder: Path, facts: dict[str, Any]) -> SelectRanker:
    """Read line and trees; the trees' file's hash must have been checked."""
    line = Line.of(facts["line"]) if facts["line"] else None
    trees = load(folder / _TREES_FILE, facts["base"])
    return SelectRanker(line, trees, facts["mean"])


def unlearned() -> SelectRanker:
    """Return the ranker of nothing learned: the next step of the ladder serves."""
    return SelectRanker(None, Model(None, 0.0))


def fit(
    x: NDArray[np.float32] | list[NDArray[np.float32]],
    y: NDArray[np.float32],
    sizes: NDArray[np.int64],
    names: Sequence[str],
    params: SelectParams,
    *,
    counts_as: float | None = None,
) -> SelectRanker:
    """Return the ranker of pools that stand one below the other.

    x float32[n, f], in parts or whole; y float32[n]: 1 watched long, between shown, 0 neither;
    sizes int64[pools], of sum n. Fewer than 40 positive labels are too few. The fewer candidates,
    the less is believed beside what the viewer's own views say (ADR 38, 39). counts_as: of how many
    they have the weight, > 0, by default n.
    """
    if np.count_nonzero(y == 1) < MIN_POSITIVES:
        return unlearned()
    parts = x if isinstance(x, list) else [x]
    counted = len(y) if counts_as is None else counts_as
    line = _fit_line(parts, y, sizes, names, params.l2 * (1 + params.few_for_line / counted))
    start = np.concatenate([line.odds(part) for part in parts])
    rate = params.trees.rate * counted / (counted + params.few_for_trees)
    booster = Frame(x, list(names)).train(y, replace(params.trees, rate=rate), start)
    trees = Model(booster, float(y.mean()))
    added = np.concatenate([trees.margin(part) for part in parts])
    return SelectRanker(line, trees, float(sigmoid(start + added).mean()))


def _fit_line(
    parts: list[NDArray[np.float32]],
    y: NDArray[np.float32],
    sizes: NDArray[np.int64],
    names: Sequence[str],
    l2: float,
) -> Line:
    """Return the line by the choices within pools, with slope and intercept by all candidates.

    What the viewer's own views say needs no examples: its weight is held, a tenth as strongly as
    others to 0, to that of a chance that is proportional to it, and never negative.
    """
    # Scores have no unit of their own, and move from one training to the next.
    columns = np.array([i for i, n in enumerate(names) if not n.startswith("score.") or n == HOPE])
    read = [names[i] for i in columns]
    is_hope = np.array([name == HOPE for name in read])
    hope = int(np.flatnonzero(is_hope)[0]) if is_hope.any() else -1
    is_place = np.array([name.startswith("rank.") for name in read])
    raw = np.concatenate([_read(part, columns, hope) for part in parts])
    scaling = fit_scaling(raw, is_place)
    scaled = scaling(raw)
    weights = fit_choice(
        scaled,
        y,
        sizes,
        np.where(is_hope, 0.1, 1.0) * l2,
        toward=np.where(is_hope, scaling.deviation, 0.0),
        never_below=is_hope,
    )
    slope, intercept = fit_platt(scaled @ weights, y)
    return Line(columns, hope, scaling, slope * weights, intercept)


def _read(x: NDArray[np.float32], columns: NDArray[np.int64], hope: int) -> NDArray[np.float32]:
    """Return the columns of x, hope as its logarithm; where it is not known it is the least."""
    read = x[:, columns]
    if hope >= 0:
        read[:, hope] = np.log(np.maximum(np.nan_to_num(read[:, hope]), _LEAST_HOPE))
    return read
