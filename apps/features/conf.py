"""Parameters of what consumers make of the log."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.features.algorithms.bursts import BurstParams
from apps.features.algorithms.forecast import ForecastParams


@dataclass(frozen=True, slots=True)
class TrendParams:
    """How trends are found and fade."""

    bucket_minutes: int = 30  # viewers are counted over so long
    grace_minutes: int = 2  # after which a bucket is closed: clients send late
    kept_hours: int = 48  # buckets kept, which is the series that is forecast
    most: int = 50  # contents forecast at once
    half_life_hours: float = 2.0  # of a factor since its forecast
    burst: BurstParams = field(default_factory=BurstParams)
    forecast: ForecastParams = field(default_factory=ForecastParams)


TRENDS = TrendParams()
