"""Parameters of retrieval."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.candidates.algorithms.als import ALSParams
from apps.candidates.algorithms.item_item import ItemItemParams
from apps.candidates.algorithms.next_item import NextItemParams


@dataclass(frozen=True, slots=True)
class Confidence:
    """How strongly an event speaks for its content (Hu, Koren, Volinsky 2008)."""

    long_view: float = 1.0
    short_view: float = 0.4  # watching a little is a weak positive, not a negative
    explicit: float = 1.0  # times the weight of a like, share, save…
    most: float = 3.0  # repeats add up to this


CONFIDENCE = Confidence()


@dataclass(frozen=True, slots=True)
class RetrievalParams:
    """How the retrieval models are fitted."""

    als: ALSParams = field(
        default_factory=lambda: ALSParams(
            factors=64, iterations=8, unobserved_weight=0.05, regularization=0.01, n_threads=2
        )
    )
    next_item: NextItemParams = field(default_factory=NextItemParams)
    item_item: ItemItemParams = field(default_factory=ItemItemParams)
    seed: int = 7
