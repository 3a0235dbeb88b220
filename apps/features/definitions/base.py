"""What a feature is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.features.view import View


@dataclass(frozen=True, slots=True)
class Feature:
    """One column that rankers see."""

    name: str
    doc: str


@dataclass(frozen=True, slots=True)
class FeatureGroup:
    """Features that are worked out together: `value(view)` is float32[n, len(features)]."""

    name: str
    features: tuple[Feature, ...]
    value: Callable[[View], NDArray[np.float32]]
