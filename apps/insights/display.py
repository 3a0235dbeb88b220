"""Numbers as people read them, and small charts as the points of an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.insights.days import to_date
from apps.insights.formulas import Kpi
from apps.insights.kpis import GROUPS, KPIS
from apps.insights.selectors import Cohort, Point, Totals, series

SPARK_WIDTH, SPARK_HEIGHT = 120.0, 32.0
_WEEK = 7


def shown(kpi: Kpi, value: float | None) -> str:
    """Return a value with its unit; a dash for none."""
    if value is None:
        return "–"
    number = value * kpi.factor
    digits = 0 if abs(number) >= 1000 or kpi.unit == "viewers" else 3 - len(f"{abs(int(number))}")
    text = f"{number:,.{max(digits, 0)}f}"
    return f"{text} {kpi.unit}" if kpi.unit not in {"viewers", "sessions", "views", ""} else text


@dataclass(frozen=True, slots=True)
class Tile:
    """One KPI on the overview."""

    kpi: Kpi
    value: str  # of the last complete day
    day: str
    today: str  # so far; empty where that says nothing
    change: str  # against the same day a week before, empty where there is none
    is_worse: bool
    spark: list[str]  # one polyline for each run of days without a gap


def tiles(
    by_day: dict[int, Totals], first: int, last: int, until_ms: int
) -> list[tuple[str, list[Tile]]]:
    """Return the tiles by group."""
    made = {k.name: _tile(k, series(k, by_day, first, last, until_ms)) for k in KPIS.values()}
    return [(g, [made[k.name] for k in KPIS.values() if k.group == g]) for g in GROUPS]


def _tile(kpi: Kpi, points: list[Point]) -> Tile:
    values = {p.day: p.value for p in points}
    known = [p for p in points if p.is_complete and p.value is not None]
    last = known[-1] if known else None
    before = values.get(last.day - _WEEK) if last else None
    moved = last.value / before - 1 if last and last.value is not None and before else None
    partial = [p for p in points if not p.is_complete and p.value is not None]
    return Tile(
        kpi=kpi,
        value=shown(kpi, last.value if last else None),
        day=to_date(last.day).isoformat() if last else "",
        today=shown(kpi, partial[-1].value) if partial else "",
        change="" if moved is None else f"{moved:+.1%}".replace("%", " %"),
        is_worse=moved is not None and ((kpi.bad == "up") == (moved > 0)) and bool(kpi.bad),
        spark=spark(_known([p.value if p.is_complete else None for p in points])),
    )


def _known(values: list[float | None]) -> list[float | None]:
    """Return the values from the first to the last one that is known."""
    at = [i for i, value in enumerate(values) if value is not None]
    return values[at[0] : at[-1] + 1] if at else []


def spark(values: Sequence[float | None]) -> list[str]:
    """Return the `points` of one polyline for each run of known values, on a common scale."""
    known = [v for v in values if v is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    step = SPARK_WIDTH / max(len(values) - 1, 1)
    runs: list[list[str]] = [[]]
    for i, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        y = SPARK_HEIGHT - 2 - share * (SPARK_HEIGHT - 4)
        runs[-1].append(f"{i * step:.1f},{y:.1f}")
    return [" ".join(run) for run in runs if len(run) > 1]


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One day of the retention matrix."""

    day: str
    size: int
    cells: list[tuple[int, str, int]]  # n, text, shade 0–9 (−1: empty)


def heat(cohorts: list[Cohort], columns: Sequence[int]) -> list[HeatRow]:
    """Return the matrix with a shade for each cell; day + 0 is always 100 % and left out."""
    return [
        HeatRow(to_date(c.day).isoformat(), c.size, [_cell(n, c.shares[n]) for n in columns])
        for c in cohorts
    ]


def _cell(n: int, share: float | None) -> tuple[int, str, int]:
    if share is None:
        return n, "", -1
    return n, f"{share * 100:.0f}", min(int(share * 12), 9)


def chart(kpi: Kpi, points: list[Point]) -> dict[str, Any]:
    """Return what the page's script draws."""
    return {
        "label": kpi.label,
        "unit": kpi.unit,
        "labels": [to_date(p.day).isoformat() for p in points],
        "values": [None if p.value is None else p.value * kpi.factor for p in points],
        "complete": [p.is_complete for p in points],
    }
