"""The API of metrics, and its CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from apps.core.models import Scope
from apps.insights.days import to_date
from apps.insights.kpis import KPIS
from apps.insights.models import DayCohorts, DayTotals
from apps.insights.tests.factories import TODAY
from apps.insights.views import safe_cell

pytestmark = pytest.mark.django_db

DAY = to_date(TODAY).isoformat()


@pytest.fixture(autouse=True)
def _totals() -> None:
    totals = {"viewers": 4, "views": 10, "clicks": 7, "sessions": 0}
    DayTotals.objects.create(day=TODAY, segment="all", totals=totals)
    DayTotals.objects.create(day=TODAY, segment="language:en", totals=totals | {"clicks": 2})
    zeros = [4] + [0] * 30
    DayCohorts.objects.create(
        day=TODAY, active=4, new=4, weekly=9, monthly=12, returned=zeros, new_returned=zeros
    )


def test_registry_defines_every_kpi(api: Any) -> None:
    answer = api.get("metrics/").json()
    assert {m["name"] for m in answer["metrics"]} == set(KPIS)
    assert all(len(m["definition"]) > 20 for m in answer["metrics"])
    assert answer["segments"] == ["all", "language:en"]


def test_series_is_by_day_and_says_what_is_not_complete(api: Any) -> None:
    answer = api.get("metrics/ctr", **{"from": DAY, "to": DAY}).json()
    assert answer["points"] == [{"day": DAY, "value": 0.7, "is_complete": False}]
    of_segment = api.get("metrics/ctr", **{"from": DAY, "to": DAY, "segment": "language:en"})
    assert of_segment.json()["points"][0]["value"] == 0.2


def test_csv_has_the_same_numbers(api: Any) -> None:
    answer = api.get("metrics/stickiness.csv", **{"from": DAY, "to": DAY})
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows == [["day", "segment", "stickiness", "is_complete"], [DAY, "all", repr(1 / 3), "0"]]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum(a)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str, api: Any) -> None:
    assert safe_cell(text).startswith("'")
    answer = api.get("metrics/ctr.csv", **{"from": DAY, "to": DAY, "segment": text})
    assert next(csv.reader(io.StringIO(answer.text.splitlines()[1])))[1][:1] == "'"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"from": "yesterday"}, 422),
        ({"from": "2026-02-01", "to": "2026-01-01"}, 422),
        ({"from": "2020-01-01", "to": "2026-01-01"}, 422),
        ({"segment": "x" * 81}, 422),
        ({"segment": "nobody"}, 200),
    ],
)
def test_bad_questions_are_refused(query: dict[str, str], status: int, api: Any) -> None:
    assert api.get("metrics/ctr", **query).status_code == status


def test_unknown_metric_and_segment(api: Any) -> None:
    assert api.get("metrics/nonsense").json()["code"] == "unknown-metric"
    for name, segment in (("coverage", "language:en"), ("wau", "experiment:cap/one")):
        assert api.get(f"metrics/{name}", segment=segment).json()["code"] == "unknown-segment"
    assert api.get("metrics/wau", segment="language:en").status_code == 200


def test_needs_its_scope(api_with: Any) -> None:
    assert api_with(Scope.FEED_READ).get("metrics/").status_code == 403
    assert api_with(Scope.METRICS_READ).get("metrics/").status_code == 200


def test_as_many_queries_whatever_the_days(api: Any, django_assert_num_queries: Any) -> None:
    api.get("metrics/ctr")
    with django_assert_num_queries(4):
        api.get("metrics/ctr", **{"from": "2025-01-01", "to": "2025-12-31"})
