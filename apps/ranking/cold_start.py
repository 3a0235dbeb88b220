"""Viewers of whom little is known: what many watch long, and is of what they chose, comes first."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from apps.candidates import taste
from apps.candidates.signals import past_of
from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.ranking.scaling import scaled

_MOST = 1.0  # of the log odds, either way


def newness(request: Request, views: float) -> float:
    """Return exp(−contents met / views): 1 for a viewer without history, soon 0."""
    met = len(past_of(request).rows)
    return math.exp(-met / views) if met < 20 * views else 0.0


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Multiplies scores by the odds that contents are worth to anybody who speaks the viewer's
    language, and by what being of a category that they chose adds, to the newness' power.
    """

    views: Callable[[Request], float]  # contents met after which a viewer is less new by e
    chosen: Callable[[Request], float]  # log odds that a chosen category adds, ≥ 0
    name: str = "cold_start"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the same candidates with changed `score`, for new viewers."""
        power = newness(request, self.views(request))
        if power < 0.01 or not len(candidates):
            return candidates
        language = request.catalog.language[candidates.rows]
        odds = taste.worth_at(request, candidates.rows) + taste.language_of(request, language)
        factor = np.clip(odds - odds.mean(), -_MOST, _MOST)
        is_chosen = np.isin(request.catalog.category[candidates.rows], request.stated)
        factor += self.chosen(request) * is_chosen
        return scaled(candidates, np.exp(power * factor))
