"""Where intervals are drawn: numbers for the attributes of an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 240.0
_MARGIN = 8.0


class Bar(NamedTuple):
    """One interval around its estimate, x in 0–`WIDTH`."""

    low: float
    width: float
    estimate: float
    zero: float


def bars(intervals: Sequence[tuple[float, float, float]]) -> list[Bar]:
    """Return one bar for each (low, estimate, high), all on one scale that has 0 in it."""
    least = min([0.0, *(low for low, _, _ in intervals)])
    most = max([0.0, *(high for _, _, high in intervals)])
    scale = (WIDTH - 2 * _MARGIN) / ((most - least) or 1.0)

    def x(value: float) -> float:
        return round(_MARGIN + (value - least) * scale, 2)

    return [
        Bar(x(low), round(x(high) - x(low), 2), x(estimate), x(0.0))
        for low, estimate, high in intervals
    ]
