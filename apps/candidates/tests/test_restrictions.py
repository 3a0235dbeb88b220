"""What a caller may ask of all contents."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.candidates.restrictions import Restriction
from apps.content.tests.factories import HOUR_MS, NOW_MS, make_catalog

CATALOG = make_catalog(40)


def allowed(**asked: Any) -> list[int]:
    return np.flatnonzero(Restriction(**asked).allowed(CATALOG, NOW_MS)).tolist()


def test_nothing_asked_restricts_nothing() -> None:
    assert allowed() == list(range(40))


def test_several_categories_are_alternatives() -> None:
    names = [CATALOG.categories[c] if c >= 0 else "" for c in CATALOG.category]
    expected = [row for row, name in enumerate(names) if name in {"music", "news"}]
    assert allowed(categories=("music", "news")) == expected


def test_unknown_category_allows_nothing() -> None:
    assert allowed(categories=("nonsense",)) == []


def test_content_without_a_category_meets_no_category() -> None:
    uncategorized = np.flatnonzero(CATALOG.category < 0)
    assert not set(allowed(categories=CATALOG.categories)) & set(uncategorized.tolist())


@pytest.mark.parametrize("bound", ["min_seconds", "max_seconds"])
def test_content_of_unknown_length_meets_no_bound(bound: str) -> None:
    unknown = np.flatnonzero(np.isnan(CATALOG.duration_seconds)).tolist()
    assert unknown
    assert not set(allowed(**{bound: 30.0})) & set(unknown)


def test_excluded_rows_are_out_and_unknown_ones_are_passed_over() -> None:
    assert allowed(without=np.array([3, -1, 5])) == [r for r in range(40) if r not in {3, 5}]


@given(
    languages=st.lists(st.sampled_from(["en", "de", "xx"]), max_size=2, unique=True),
    low=st.none() | st.floats(0, 60),
    high=st.none() | st.floats(0, 60),
    age=st.none() | st.floats(0, 2000),
)
def test_conditions_hold_together(
    languages: list[str], low: float | None, high: float | None, age: float | None
) -> None:
    found = allowed(
        languages=tuple(languages), min_seconds=low, max_seconds=high, max_age_hours=age
    )

    def meets(row: int) -> bool:
        code, seconds = CATALOG.language[row], float(CATALOG.duration_seconds[row])
        hours = (NOW_MS - CATALOG.uploaded_ms[row]) / HOUR_MS
        return (
            (not languages or (code >= 0 and CATALOG.languages[code] in languages))
            and (low is None or (not math.isnan(seconds) and seconds >= np.float32(low)))
            and (high is None or (not math.isnan(seconds) and seconds <= np.float32(high)))
            and (age is None or hours <= age)
        )

    assert found == [row for row in range(40) if meets(row)]
