"""Viewers of whom little is known: what many watch long comes first, from many categories."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.features.stats import EVER, Counted
from apps.ranking.scaling import scaled

_SMOOTHING = 20.0  # views of the pool's mean rate in a content's
_LEAST, _MOST = 0.5, 2.0  # of the factor


def newness(request: Request, views: float) -> float:
    """Return exp(−contents met / views): 1 for a viewer without history, soon 0."""
    met = len(np.unique(request.query.history.content)) if len(request.query.history) else 0
    return math.exp(-met / views) if met < 20 * views else 0.0


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Multiplies scores by (smoothed long-view rate / its mean) to the power of the newness."""

    views: Callable[[Request], float]  # contents met after which a viewer is less new by e
    name: str = "cold_start"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the same candidates with changed `score`, for new viewers."""
        power = newness(request, self.views(request))
        if power < 0.01 or not len(candidates):
            return candidates
        counters = request.stats.by["content"]
        counted = counters.at(candidates.rows, request.query.at_ms)[:, :, EVER]
        views, long_views = counted[:, Counted.VIEW], counted[:, Counted.LONG_VIEW]
        mean = (long_views.sum() + 0.3) / (views.sum() + 1)
        rate = (long_views + _SMOOTHING * mean) / (views + _SMOOTHING)
        return scaled(candidates, np.clip(rate / mean, _LEAST, _MOST) ** power)
