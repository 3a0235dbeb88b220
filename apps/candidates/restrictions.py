"""What a caller asks of all contents of a page: category, language, length, age, not these."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog

_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Restriction:
    """Conditions that hold together; what is left out restricts nothing."""

    categories: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    min_seconds: float | None = None  # a content of unknown length meets neither bound
    max_seconds: float | None = None
    max_age_hours: float | None = None
    without: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    # catalog rows, −1 is passed over

    def allowed(self, catalog: Catalog, at_ms: int) -> NDArray[np.bool_]:
        """Return bool[n_contents]: what meets every condition at `at_ms`."""
        allowed = np.ones(len(catalog), np.bool_)
        if self.categories:
            allowed &= _is_any(catalog.category, catalog.categories, self.categories)
        if self.languages:
            allowed &= _is_any(catalog.language, catalog.languages, self.languages)
        if self.min_seconds is not None:
            allowed &= catalog.duration_seconds >= self.min_seconds
        if self.max_seconds is not None:
            allowed &= catalog.duration_seconds <= self.max_seconds
        if self.max_age_hours is not None:
            allowed &= catalog.uploaded_ms >= at_ms - self.max_age_hours * _HOUR_MS
        allowed[self.without[self.without >= 0]] = False
        return allowed


def _is_any(
    codes: NDArray[np.int64], names: tuple[str, ...], wanted: tuple[str, ...]
) -> NDArray[np.bool_]:
    """Say where a column of the catalogue has one of the wanted names."""
    return np.isin(codes, [code for code, name in enumerate(names) if name in wanted])
