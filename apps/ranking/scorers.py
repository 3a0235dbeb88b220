"""Scorers, from the best to the one that cannot fail: the ladder of a feed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from apps.candidates.index import best_rows
from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.core.errors import RecsysError
from apps.ranking.pool import opinions, rank_fusion
from apps.ranking.rankers import Rankers, select_features


class NoRankerError(RecsysError):
    """There is no trained ranker."""


@dataclass(frozen=True, slots=True)
class LearnedSelect:
    """Scores by the select ranker: the best candidates by rank fusion, all features of them."""

    rankers: Callable[[], Rankers | None]
    ranked: int
    name: str = "learned_select"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the `ranked` best candidates with `score` and the matrix column `features`."""
        rankers = self.rankers()
        if rankers is None or not rankers.select.is_learned:
            raise NoRankerError("no ranker is trained yet; run manage.py train")
        given = opinions(candidates)
        kept = best_rows(rank_fusion(given), self.ranked)
        features = select_features(request, candidates, given, kept)
        score = rankers.select.predict(features)
        return candidates.take(kept).with_columns(score=score, features=features)


@dataclass(frozen=True, slots=True)
class RankFusion:
    """Scores by reciprocal rank fusion of the sources: needs nothing learned."""

    name: str = "rank_fusion"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the candidates with `score`."""
        return candidates.with_columns(score=rank_fusion(opinions(candidates)))


@dataclass(frozen=True, slots=True)
class CreatorCap:
    """Spreads creators: at most `cap` contents of one in the page, later ones discounted."""

    cap: int
    decay: float
    name: str = "creator_cap"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the candidates best first; those over the cap come last, never to be lost."""
        order = np.argsort(-candidates["score"], kind="stable")
        candidates = candidates.take(order)
        creator = request.catalog.creator[candidates.rows]
        nth = _nth_of_its_kind(creator)
        score = candidates["score"]
        is_finite = np.isfinite(score)
        floor = score[is_finite].min(initial=0)  # what sank to −inf must not take the others along
        discounted = np.where(is_finite, score, floor) - floor
        discounted = discounted * self.decay ** np.minimum(nth, 50)
        key = np.lexsort((-discounted, nth >= self.cap))
        return candidates.take(key)


def _nth_of_its_kind(values: np.ndarray) -> np.ndarray:
    """Return how many equal values stand before each one, int64[n]."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    is_start = np.append(True, ordered[1:] != ordered[:-1]) if len(values) else np.empty(0, bool)
    start = np.maximum.accumulate(np.where(is_start, np.arange(len(values)), 0))
    nth = np.empty(len(values), np.int64)
    nth[order] = np.arange(len(values)) - start
    return nth
