"""What trends now, as every process knows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.core.clock import HOUR_MS
from apps.core.live import Live
from apps.features.conf import TRENDS
from apps.features.models import Trend

_LEAST = 0.02  # a factor that has faded below is none


@dataclass(frozen=True, slots=True)
class Trends:
    """Factors as they were forecast, by content."""

    content: NDArray[np.int64]  # [n] database keys
    factor: NDArray[np.float64]  # [n] in (0, 1)
    computed_ms: NDArray[np.int64]  # [n]

    def of(self, catalog: Catalog, rows: NDArray[np.int64], at_ms: int) -> NDArray[np.float64]:
        """Return the factors of catalog rows at a moment, float64[m] in [0, 1), 0 without one.

        A factor halves every two hours, so that a worker who stops lets no trend live on. A moment
        before the forecast does not know it.
        """
        found = np.zeros(len(catalog) + 1)
        age_hours = (at_ms - self.computed_ms) / HOUR_MS
        faded = self.factor * 0.5 ** (np.maximum(age_hours, 0) / TRENDS.half_life_hours)
        found[catalog.rows_of(self.content)] = np.where(
            (faded >= _LEAST) & (age_hours >= 0), faded, 0
        )
        found[-1] = 0  # where contents went that the catalogue does not know
        return found[rows]


def trends() -> Trends:
    """Return the trends as this process knows them, at most one refresh old."""
    return _live.get()


def _refresh(_old: Trends | None) -> Trends:
    found = Trend.objects.filter(factor__gt=0).order_by("content_id")
    rows = np.array(list(found.values_list("content_id", "factor", "computed_ms")), np.float64)
    content, factor, computed = rows.reshape(-1, 3).T
    return Trends(content.astype(np.int64), factor, computed.astype(np.int64))


_live: Live[Trends] = Live("trends", _refresh)
