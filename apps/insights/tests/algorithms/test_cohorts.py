"""Retention and rolling counts against plain sets."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from apps.insights.algorithms.cohorts import new_returns, returns, rolling, rolling_new
from apps.insights.algorithms.spread import gini

presences = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=8))


def days(presence: np.ndarray) -> list[set[int]]:
    return [set(np.flatnonzero(column).tolist()) for column in presence.T]


@given(presences)
def test_returns_are_intersections_of_sets(presence: np.ndarray) -> None:
    there = days(presence)
    expected = [
        [len(d & there[i + n]) if i + n < len(there) else 0 for n in range(4)]
        for i, d in enumerate(there)
    ]
    assert returns(presence, presence, 3).tolist() == expected


@given(presences, st.randoms(use_true_random=False))
def test_returns_of_a_part_are_intersections_with_all(presence: np.ndarray, random: Random) -> None:
    part = presence & np.array([[random.random() < 0.5 for _ in row] for row in presence])
    there = days(presence)
    expected = [
        [len(d & there[i + n]) if i + n < len(there) else 0 for n in range(4)]
        for i, d in enumerate(days(part))
    ]
    assert returns(part, presence, 3).tolist() == expected


@given(presences)
def test_new_viewers_are_those_of_a_first_day(presence: np.ndarray) -> None:
    there = days(presence)
    first = np.where(presence.any(axis=1), presence.argmax(axis=1), -1)
    new = [d - set().union(*there[:i]) for i, d in enumerate(there)]
    expected = [
        [len(d & there[i + n]) if i + n < len(there) else 0 for n in range(4)]
        for i, d in enumerate(new)
    ]
    assert new_returns(presence, presence, first, 3).tolist() == expected


@given(presences, st.integers(1, 9))
def test_rolling_counts_are_unions_of_sets(presence: np.ndarray, n: int) -> None:
    there = days(presence)
    expected = [len(set().union(*there[max(0, i - n + 1) : i + 1])) for i in range(len(there))]
    assert rolling(presence, n).tolist() == expected


@given(presences, st.integers(1, 9))
def test_new_ones_of_a_rolling_count_are_those_of_no_day_before_it(
    presence: np.ndarray, n: int
) -> None:
    there = days(presence)
    first = np.where(presence.any(axis=1), presence.argmax(axis=1), -1)
    expected = []
    for i in range(len(there)):
        start = max(0, i - n + 1)
        expected.append(len(set().union(*there[start : i + 1]) - set().union(*there[:start])))
    assert rolling_new(presence, first, n).tolist() == expected


class TestGini:
    def test_by_hand(self) -> None:
        # 0, 1, 3: Σ(2i − n − 1)x = −2·0 + 0·1 + 2·3 = 6, over 3 · 4
        assert gini(np.array([3, 0, 1])) == 0.5

    def test_equal_shares_are_zero_and_nothing_is_zero(self) -> None:
        assert gini(np.array([4, 4, 4])) == 0
        assert gini(np.array([0, 0])) == 0
        assert gini(np.array([], np.int64)) == 0

    @given(st.lists(st.integers(0, 1000), min_size=1, max_size=20), st.integers(1, 50))
    def test_it_is_the_mean_difference_of_pairs_in_any_unit(self, x: list[int], unit: int) -> None:
        amounts = np.array(x)
        pairs = np.abs(amounts[:, None] - amounts).sum()
        expected = pairs / (2 * len(x) * amounts.sum()) if amounts.sum() else 0
        assert np.isclose(gini(amounts * unit), expected)
