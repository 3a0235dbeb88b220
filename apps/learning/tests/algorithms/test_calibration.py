"""Calibration over bins of equal mass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.learning.algorithms.calibration import bins, expected_error


def test_bins_hold_equally_many_and_their_means() -> None:
    label = np.array([True, False, True, True])
    found = bins(label, np.array([0.8, 0.1, 0.3, 0.6]), n=2)
    assert [b.n for b in found] == [2, 2]
    assert found[0].predicted == pytest.approx(0.2)  # 0.1 and 0.3
    assert [b.observed for b in found] == [0.5, 1.0]


def test_error_is_worked_by_hand() -> None:
    label = np.array([True, False, True, True])
    # bins (.1, .3): |.5 − .2| = .3; (.6, .8): |1 − .7| = .3
    assert expected_error(label, np.array([0.8, 0.1, 0.3, 0.6]), n=2) == pytest.approx(0.3)


def test_equal_predictions_are_one_bin() -> None:
    label = np.arange(100) % 4 == 0
    assert [b.n for b in bins(label, np.full(100, 0.25))] == [100]
    assert expected_error(label, np.full(100, 0.25)) == 0


def test_predictions_that_come_true_have_a_small_error() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(50_000)
    label = rng.random(50_000) < p
    # each bin's share has a deviation of at most .5 / √5000 = .007
    assert expected_error(label, p) < 0.01
    assert expected_error(label, p**2) > 0.1


def test_nothing_has_no_error() -> None:
    assert bins(np.empty(0, np.bool_), np.empty(0)) == []
    assert np.isnan(expected_error(np.empty(0, np.bool_), np.empty(0)))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1), st.integers(1, 12))
def test_bins_part_all_views_in_order(rows: list[tuple[bool, float]], n: int) -> None:
    label, p = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    found = bins(label, p, n=n)
    assert sum(b.n for b in found) == len(rows)
    assert len(found) <= n
    assert sum(b.n * b.observed for b in found) == pytest.approx(label.sum())
    assert 0 <= expected_error(label, p, n=n) <= 1
