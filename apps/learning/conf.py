"""How training is done."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.candidates.conf import RetrievalParams
from apps.ranking.boosted import BoostedParams
from apps.ranking.boosters import BoosterParams
from apps.ranking.neural import NeuralParams


@dataclass(frozen=True, slots=True)
class TrainingParams:
    """Everything that a training run may vary."""

    retrieval: RetrievalParams = field(default_factory=RetrievalParams)
    n_slices: int = 2  # slices before the end that give examples to the select ranker, 1–4
    slice_share: float = 0.2  # of the views with a known time, in one slice
    max_viewers: int = 8000  # viewers that give examples, a slice
    ranked: int = 200  # candidates of a pool that examples are drawn from, as in serving
    negatives: int = 30  # candidates kept of a viewer's pool beside those shown
    shown_label: float = 0.3  # soft label of a candidate that was shown but not watched long
    max_views: int = 500_000  # latest views that the heads learn from
    select: BoosterParams = field(
        default_factory=lambda: BoosterParams(
            objective="cross_entropy", trees=150, leaves=31, rate=0.06, min_leaf=50
        )
    )
    boosted: BoostedParams = field(default_factory=BoostedParams)
    neural: NeuralParams = field(default_factory=NeuralParams)
    held_share: float = 0.15  # of those views, the latest, that weigh the rankers of the heads
    seed: int = 7
