"""Sources that are the same for all viewers: what is popular, what is new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.index import best_rows
from apps.candidates.scores import ORDERED, RankedScores
from apps.candidates.sources.base import Proposer
from apps.candidates.types import Request
from apps.core.candidates import Rows, marked
from apps.features.stats import HOURS_6, WEEK, Counted

_RISE_PRIOR = 4.0  # views; two chance views of an unknown content are no trend


@dataclass(frozen=True, slots=True)
class Popular(Proposer):
    """What most viewers watched lately, at one half-life."""

    name: str
    half_life: int  # index into apps.features.algorithms.counters.HALF_LIVES_HOURS

    def __call__(self, request: Request) -> RankedScores:
        """Score by decayed long views; the order is shared by all requests of a moment."""
        key = ("popular", self.half_life)
        scores, order = request.stats.shared(key, request.query.at_ms, lambda: self._rank(request))
        return RankedScores(scores, order)

    def _rank(self, request: Request) -> tuple[NDArray[np.float32], Rows]:
        popularity = request.stats.popularity(self.half_life, request.query.at_ms)
        popularity = popularity[: len(request.catalog)]  # counters may have moved on meanwhile
        watched = popularity > 0  # of the others the crowd has no opinion
        scores = np.where(watched, np.log1p(popularity), -np.inf).astype(np.float32)
        candidates = np.where(request.catalog.is_servable, scores, -np.inf)
        return scores, best_rows(candidates, ORDERED)


@dataclass(frozen=True, slots=True)
class Trending(Proposer):
    """What is watched more than its own past and the platform's traffic let expect."""

    name: str = "trending"

    def __call__(self, request: Request) -> RankedScores:
        """Score by how far the last hours stand out: (views − E)/√(E + 4), E what was expected.

        E is the content's share of the last week's views times all views of the last hours, so
        that a busy hour of the whole platform lifts nobody.
        """
        at_ms = request.query.at_ms
        scores, order = request.stats.shared(("trending",), at_ms, lambda: self._rank(request))
        return RankedScores(scores, order)

    def _rank(self, request: Request) -> tuple[NDArray[np.float32], Rows]:
        stats, at_ms, n = request.stats, request.query.at_ms, len(request.catalog)
        counters = stats.by["content"]
        now = counters.all_at(Counted.LONG_VIEW, HOURS_6, at_ms)[:n]
        week = counters.all_at(Counted.LONG_VIEW, WEEK, at_ms)[:n]
        expected = week * (now.sum() / max(week.sum(), 1e-9))
        rise = (now - expected) / np.sqrt(expected + _RISE_PRIOR)
        scores = np.where(rise > 0, rise, -np.inf).astype(np.float32)
        return scores, best_rows(np.where(request.catalog.is_servable, scores, -np.inf), ORDERED)


@dataclass(frozen=True, slots=True)
class Fresh(Proposer):
    """The newest uploads, so that every content gets a chance."""

    name: str = "fresh"

    def __call__(self, request: Request) -> RankedScores:
        """Score by upload time."""
        at_ms = request.query.at_ms
        scores, order = request.stats.shared(("fresh",), at_ms, lambda: self._rank(request))
        return RankedScores(scores, order)

    def _rank(self, request: Request) -> tuple[NDArray[np.float32], Rows]:
        catalog, at_ms = request.catalog, request.query.at_ms
        age_days = (at_ms - catalog.uploaded_ms) / 86_400_000
        scores = -np.log1p(np.maximum(age_days, 0)).astype(np.float32)
        is_out = catalog.is_servable & (age_days >= 0)
        return scores, best_rows(np.where(is_out, scores, -np.inf), ORDERED)


@dataclass(frozen=True, slots=True)
class FollowedCreators(Proposer):
    """The newest contents of the creators that the viewer follows."""

    name: str = "followed"

    def __call__(self, request: Request) -> RankedScores | None:
        """Score by upload time among followed creators."""
        if not len(request.stance.followed):
            return None
        catalog, at_ms = request.catalog, request.query.at_ms
        # One mark more, for contents without a creator.
        followed = marked(request.stance.followed, len(catalog.creator_pk) + 1)
        is_followed = followed[catalog.creator] & catalog.is_servable
        age_days = np.maximum((at_ms - catalog.uploaded_ms) / 86_400_000, 0)
        scores = np.where(is_followed, 1 / (1 + age_days), -np.inf).astype(np.float32)
        return RankedScores(scores, best_rows(scores, ORDERED))
