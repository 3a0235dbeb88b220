"""What the API says about KPIs."""

from __future__ import annotations

import msgspec


class MetricInfo(msgspec.Struct, frozen=True):
    """One KPI of the registry."""

    name: str
    label: str
    unit: str
    definition: str
    group: str
    bad: str  # the direction that is bad: up, down or none
    by_segment: bool


class MetricList(msgspec.Struct, frozen=True):
    """All KPIs, and the segments of the last week."""

    metrics: list[MetricInfo]
    segments: list[str]
    data_until: str | None  # ISO 8601 UTC


class MetricPoint(msgspec.Struct, frozen=True):
    """One day."""

    day: str  # ISO 8601
    value: float | None  # in the metric's unit, shares as 0–1
    is_complete: bool


class MetricAnswer(msgspec.Struct, frozen=True):
    """One KPI of one segment by day."""

    name: str
    segment: str
    unit: str
    data_until: str | None
    points: list[MetricPoint]
