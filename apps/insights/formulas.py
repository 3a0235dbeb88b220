"""What a KPI is, and the formulas that make one of a day's totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from apps.insights.totals import ALL

Totals = Mapping[str, float]
Formula = Callable[[Totals], float | None]
Guardrail = Literal["", "up", "down"]  # the direction that is bad, if one is


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI of a day."""

    name: str
    label: str
    unit: str  # viewers, %, s, min, h, a day … as it is shown
    definition: str
    formula: Formula
    group: str
    bad: Guardrail = ""
    by_segment: bool = True  # whether it is known of segments as well
    unknown_of: tuple[str, ...] = ()  # segments whose names begin so
    waits_days: int = 0  # after the day until it is complete

    @property
    def factor(self) -> float:
        """What a value is multiplied with to be shown in its unit."""
        return 100.0 if self.unit == "%" else 1.0

    def is_known_of(self, segment: str) -> bool:
        """Say whether the KPI is known of a segment."""
        if segment == ALL:
            return True
        return self.by_segment and not segment.startswith(self.unknown_of)


def total(name: str) -> Formula:
    """Return a total itself; None where the day has none."""
    return lambda totals: totals.get(name)


def ratio(numerator: str, denominator: str, scale: float = 1.0) -> Formula:
    """Return numerator / denominator; None where nothing was counted below the line."""

    def formula(totals: Totals) -> float | None:
        below = totals.get(denominator)
        return scale * totals.get(numerator, 0) / below if below else None

    return formula


def engagements(totals: Totals) -> float | None:
    """Return all that viewers did of their own accord, per view."""
    names = ("likes", "comments", "shares", "saves", "follows")
    views = totals.get("views")
    return sum(totals.get(name, 0) for name in names) / views if views else None
