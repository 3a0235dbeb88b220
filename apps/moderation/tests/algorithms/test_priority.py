"""Which case comes first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.moderation.algorithms.priority import (
    aged,
    priority,
    reporter_weight,
    reports_weight,
)

MINUTE = 60_000
HOUR = 60 * MINUTE


def test_priority_is_the_product_of_its_parts() -> None:
    # .5 · (1 + log10(1 + 99)) · (1 + 2) = .5 · 3 · 3
    assert priority(severity=0.5, reach=99, weight=2) == pytest.approx(4.5)


def test_case_counts_twice_after_half_a_day() -> None:
    assert aged(3.0, 12 * HOUR) == pytest.approx(6.0)


def test_brigade_of_a_hundred_weighs_less_than_eight_on_their_own() -> None:
    burst = reports_weight([i * 1000 for i in range(100)], [0.5] * 100)
    apart = reports_weight([i * HOUR for i in range(12)], [0.5] * 12)

    assert burst == pytest.approx(5.672, abs=0.001)  # log2(51)
    assert burst < apart == pytest.approx(6.0)


def test_new_accounts_and_wrong_reporters_weigh_little() -> None:
    grown = reporter_weight(upheld=0, rejected=0, account_days=30)

    assert grown == 0.5
    assert reporter_weight(upheld=0, rejected=0, account_days=0) == pytest.approx(0.05)
    assert reporter_weight(upheld=0, rejected=8, account_days=30) == pytest.approx(0.1)
    assert reporter_weight(upheld=8, rejected=0, account_days=30) == pytest.approx(0.9)


reports = st.lists(st.tuples(st.integers(0, 10 * HOUR), st.floats(0, 1)), max_size=30)


@settings(max_examples=40, deadline=None)
@given(reports)
def test_order_of_reports_does_not_matter(rows: list[tuple[int, float]]) -> None:
    shuffled = sorted(rows, key=lambda row: hash((row, 7)))

    one = reports_weight([r[0] for r in rows], [r[1] for r in rows])
    other = reports_weight([r[0] for r in shuffled], [r[1] for r in shuffled])

    assert one == pytest.approx(other)


@settings(max_examples=40, deadline=None)
@given(reports)
def test_reports_weigh_at_most_their_sum(rows: list[tuple[int, float]]) -> None:
    total = reports_weight([r[0] for r in rows], [r[1] for r in rows])

    assert 0 <= total <= sum(r[1] for r in rows) + 1e-9
