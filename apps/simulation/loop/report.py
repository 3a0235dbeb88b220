"""One page about a simulation: a table and plots, in a file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string

_WIDTH, _HEIGHT = 420.0, 180.0
_LEFT, _BOTTOM, _TOP, _RIGHT = 44.0, 24.0, 10.0, 10.0
_FIGURES = (
    ("minutes_per_viewer_day", "minutes a viewer and day"),
    ("d1", "D1 retention"),
    ("d7", "D7 retention"),
    ("topics_per_ten", "topics among ten contents"),
    ("creator_gini", "Gini of creators' impressions"),
    ("uploads_seen", "uploads with 30 impressions in 24 h"),
    ("biased_exposure", "exposure of the disliked creators"),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One policy in a plot."""

    policy: str
    points: str  # of a polyline


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over a common axis, as places in an SVG of 420 × 180."""

    title: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def write_report(folder: Path, summary: Mapping[str, Any], *, about: Mapping[str, Any]) -> Path:
    """Write `report.html` about a summary; return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    policies = {name: runs for name, runs in summary.items() if "minutes_by_day" in runs}
    rows = [(label, [_shown(p[name]) for p in policies.values()]) for name, label in _FIGURES]
    page = render_to_string(
        "simulation/report.html",
        {
            "about": about,
            "policies": list(policies),
            "rows": rows,
            "plots": _plots(policies),
            "compared": {n.replace("_", " "): _shown(v) for n, v in summary["compared"].items()},
            "placebo": summary.get("placebo_lift"),
        },
    )
    path = folder / "report.html"
    path.write_text(page)
    return path


def plot(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float | None]]) -> Plot:
    """Lay out one line a series, from 0 to the largest value; what is None is left out."""
    known = [v for values in series.values() for v in values if v is not None]
    top = max([*known, 1e-9])
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(labels) - 1, 1)
    height = _HEIGHT - _BOTTOM - _TOP

    def x(i: int) -> float:
        return round(_LEFT + i * step, 1)

    def y(value: float) -> float:
        return round(_TOP + height * (1 - value / top), 1)

    return Plot(
        title=title,
        lines=[
            Line(name, " ".join(f"{x(i)},{y(v)}" for i, v in enumerate(values) if v is not None))
            for name, values in series.items()
        ],
        x_ticks=[Tick(x(i), label) for i, label in enumerate(labels)],
        y_ticks=[Tick(y(share * top), f"{share * top:.3g}") for share in (0, 0.5, 1)],
    )


def _plots(policies: Mapping[str, Mapping[str, Any]]) -> list[Plot]:
    if not policies:
        return []
    first = next(iter(policies.values()))
    days = [str(day) for day in range(len(first["dau"]))]
    events = list(first["topic_share_by_event"])

    def of(figure: str) -> dict[str, list[float | None]]:
        return {
            name: list(p[figure].values()) if isinstance(p[figure], dict) else p[figure]
            for name, p in policies.items()
        }

    return [
        plot("Minutes a viewer, by day", days, of("minutes_by_day")),
        plot("Viewers who came, by day", days, of("dau")),
        plot("Share of liked topics, by event of new viewers", events, of("topic_share_by_event")),
        plot("The same after interests flip", events, of("topic_share_after_flip")),
    ]


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
