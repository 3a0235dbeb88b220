"""What many suddenly engage with comes earlier (spec §9.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.features import selectors as features
from apps.ranking.scaling import scaled


@dataclass(frozen=True, slots=True)
class TrendBoost:
    """boosted = score · (1 + β · trend)."""

    beta: Callable[[Request], float]  # β, 0–2: what a full trend adds to a score, as a share of it
    name: str = "trend_boost"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the same candidates with changed `score`, and with `trend` in [0, 1)."""
        trend = features.trends().of(request.catalog, candidates.rows, request.query.at_ms)
        if trend.any():  # else β is not read, and the request counts for no experiment on it
            candidates = scaled(candidates, 1 + self.beta(request) * trend)
        return candidates.with_columns(trend=trend)
