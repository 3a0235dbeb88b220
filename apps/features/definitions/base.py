"""What a feature is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apps.features.view import View

Kind = Literal["numeric", "flag", "categorical"]
# How old a value may be: read in the request itself, ≤ 1 s, or as old as the catalogue.
Freshness = Literal["request", "counters", "catalogue"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column that rankers see."""

    name: str
    doc: str
    low: float  # no value is lower …
    high: float  # … or higher
    default: float = 0.0  # the value where nothing is known; NaN where it is missing then
    kind: Kind = "numeric"
    n_values: int = 0  # of a categorical: 0 … n_values − 1, others are unknown
    may_miss: bool = False  # NaN where unknown
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """Features that are worked out together: `value(view)` is float32[n, len(features)].

    Of what depends on the query alone it may be [1, len(features)] where all pairs are of one.
    """

    name: str
    features: tuple[Feature, ...]
    value: Callable[[View], NDArray[np.float32]]
    freshness: Freshness

    @property
    def owner(self) -> str:
        """Return the module that defines the group."""
        return self.value.__module__
