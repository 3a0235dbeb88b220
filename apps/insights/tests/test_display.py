"""Numbers and small charts as they are shown."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.insights.display import SPARK_HEIGHT, SPARK_WIDTH, heat, shown, spark, tiles
from apps.insights.kpis import KPIS
from apps.insights.selectors import Cohort
from apps.insights.tests.factories import TODAY


@pytest.mark.parametrize(
    ("kpi", "value", "text"),
    [
        ("dau", 1731, "1,731"),
        ("ctr", 0.7046, "70.5 %"),
        ("ctr", 1.0, "100 %"),
        ("report_rate", 0.2561, "0.26 per 1,000"),
        ("creator_gini", 0.388, "0.39"),
        ("ctr", None, "–"),
    ],
)
def test_value_is_shown_in_its_unit(kpi: str, value: float | None, text: str) -> None:
    assert shown(KPIS[kpi], value) == text


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=30))
@example([0.0, 5e-324])  # a span whose inverse is no number
def test_spark_stays_in_its_box_and_breaks_where_nothing_is_known(
    values: list[float | None],
) -> None:
    runs = spark(values)
    points = [tuple(map(float, p.split(","))) for run in runs for p in run.split()]
    assert all(0 <= x <= SPARK_WIDTH and 0 <= y <= SPARK_HEIGHT for x, y in points)
    assert len(points) <= sum(v is not None for v in values)


def test_heat_is_darker_the_more_came_again() -> None:
    shares = [1.0, 0.0, 0.5, 0.9, None]
    (row,) = heat([Cohort(TODAY, 10, shares)], range(1, 5))
    assert row.cells == [(1, "0", 0), (2, "50", 6), (3, "90", 9), (4, "", -1)]


def test_change_to_zero_days_before_is_no_number() -> None:
    by_day = {TODAY - 7: {"viewers": 0.0}, TODAY: {"viewers": 5.0}}
    groups = tiles(by_day, TODAY - 9, TODAY, until_ms=2**53)
    dau = groups[0][1][0]
    assert (dau.value, dau.change, dau.is_worse) == ("5", "", False)
    assert not any(math.isnan(float(p.split(",")[1])) for run in dau.spark for p in run.split())
