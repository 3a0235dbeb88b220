"""The gradient-boosted ranker: one LightGBM model a head, learned in one go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.features.selectors import NAMES
from apps.ranking.boosters import MIN_POSITIVES, BoosterParams, Frame, Model, chances, load
from apps.ranking.inputs import Inputs
from apps.ranking.types import BOOSTED, LEARNED, WATCH_QUANTILE, Head, Labels

_COMMON_RATE = 0.02  # heads rarer than this get few small trees: they have few examples
_FACTS = "boosted.json"


@dataclass(frozen=True, slots=True)
class BoostedParams:
    """How the heads are trained."""

    head: BoosterParams = field(default_factory=BoosterParams)
    rare_head: BoosterParams = field(
        default_factory=lambda: BoosterParams(trees=40, leaves=7, rate=0.1, min_leaf=200)
    )
    watch: BoosterParams = field(default_factory=lambda: BoosterParams(objective="cross_entropy"))


class BoostedRanker:
    """One model a head; a head that had too few examples answers its base rate."""

    name = BOOSTED

    def __init__(self, models: dict[str, Model]) -> None:
        self.models = models

    @property
    def heads(self) -> tuple[str, ...]:
        """Return what is predicted."""
        return tuple(self.models)

    def predict(self, inputs: Inputs) -> dict[str, NDArray[np.float64]]:
        """Return each head's probability, float64[n]."""
        return self.predict_some(inputs, self.heads)

    def predict_some(self, inputs: Inputs, heads: Iterable[str]) -> dict[str, NDArray[np.float64]]:
        """Return the probabilities of some heads: every head is a model of its own."""
        names = list(heads)
        found = chances([self.models[name] for name in names], inputs.features)
        return dict(zip(names, found, strict=True))

    def partial_fit(self, inputs: Inputs, labels: Labels) -> float | None:
        """Learn nothing: trees are trained from all examples or not at all."""
        return None

    def save(self, folder: Path) -> None:
        """Write the models as text, and the base rates."""
        for name, model in self.models.items():
            model.save(_path(folder, name))
        bases = {name: model.base for name, model in self.models.items()}
        (folder / _FACTS).write_text(json.dumps(bases, indent=1))

    @classmethod
    def load(cls, folder: Path) -> BoostedRanker:
        """Read the models; their files' hashes must have been checked."""
        bases: dict[str, Any] = json.loads((folder / _FACTS).read_text())
        return cls({name: load(_path(folder, name), base) for name, base in bases.items()})


def fit(inputs: Inputs, labels: Labels, params: BoostedParams) -> BoostedRanker:
    """Return the ranker of examples; every head learns from the same bins of features."""
    if len(inputs) < 2 * MIN_POSITIVES:
        return BoostedRanker({name: Model(None, base_rate(labels[name])) for name in LEARNED})
    frame = Frame(inputs.features, list(NAMES))
    models = {head.value: _fit_head(frame, labels[head], params) for head in Head}
    models[WATCH_QUANTILE] = _fit_watch(frame, inputs, labels[WATCH_QUANTILE], params)
    return BoostedRanker(models)


def base_rate(label: NDArray[np.float32]) -> float:
    """Return the mean of the known labels, kept above 0 and below 1."""
    known = label[np.isfinite(label)]
    return float((known.sum(dtype=np.float64) + 0.1) / (len(known) + 1))


def _fit_head(frame: Frame, label: NDArray[np.float32], params: BoostedParams) -> Model:
    base = base_rate(label)
    positive = float(label.sum(dtype=np.float64))
    if not MIN_POSITIVES <= positive <= len(label) - MIN_POSITIVES:
        return Model(None, base)
    return Model(frame.train(label, params.head if base > _COMMON_RATE else params.rare_head), base)


def _fit_watch(
    frame: Frame, inputs: Inputs, label: NDArray[np.float32], params: BoostedParams
) -> Model:
    known = np.isfinite(label)
    if np.count_nonzero(known) < MIN_POSITIVES:
        return Model(None, base_rate(label))
    if not known.all():  # else a copy of all features for nothing
        frame, label = Frame(inputs.features[known], list(NAMES)), label[known]
    return Model(frame.train(label, params.watch), base_rate(label))


def _path(folder: Path, name: str) -> Path:
    return folder / f"head_{name}.txt"
