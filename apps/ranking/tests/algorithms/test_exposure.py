"""Attention of a page by group, and the bounded adjustment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ranking.algorithms.exposure import attention, exposure, guarantee, ndkl

PAGES = st.lists(st.tuples(st.floats(0, 5), st.integers(0, 2)), min_size=1, max_size=30)


def test_exposure_weighs_places_by_attention() -> None:
    # 1, 1/log2(3) = .631, 1/2: of 2.131
    found = exposure(np.array([1, 0, 1]), 2)

    np.testing.assert_allclose(found, [0.631 / 2.131, 1.5 / 2.131], atol=1e-3)


def test_ndkl_of_six_places_worked_out_by_hand() -> None:
    # Target half and half. Shares of group 0 by prefix: 1, 1, 2/3, 1/2, 3/5, 1/2; KL in nats:
    # ln 2, ln 2, .0566, 0, .0201, 0; weights 1, .6309, .5, .4307, .3869, .3562, sum 3.3047
    expected = (math.log(2) * 1.6309 + 0.0566 * 0.5 + 0.0201 * 0.3869) / 3.3047

    found = ndkl(np.array([0, 0, 1, 1, 0, 1]), np.array([0.5, 0.5]))

    assert found == pytest.approx(expected, abs=1e-4)


def test_ndkl_of_what_the_target_is_is_nothing() -> None:
    assert ndkl(np.zeros(5, np.int64), np.array([1.0])) == 0
    assert ndkl(np.empty(0, np.int64), np.array([0.5, 0.5])) == 0


def order(score: list[float], group: list[int], least: list[float], **asked: float) -> list[int]:
    n = len(score)
    found = guarantee(
        np.array(score),
        np.array(group),
        np.array(least),
        slots=int(asked.get("slots", n)),
        pool=int(asked.get("pool", n)),
        tolerance=asked.get("tolerance", 1.0),
        offset=int(asked.get("offset", 0)),
    )
    return found.order.tolist()


def test_a_group_comes_as_soon_as_its_share_is_a_place() -> None:
    # Half of two places is one: the best of group 1 comes second, the next one fourth
    assert order([5, 4, 3, 2, 1], [0, 0, 0, 1, 1], [0, 0.5]) == [0, 3, 1, 4, 2]


def test_a_share_of_less_than_a_place_gets_it_in_a_later_page() -> None:
    assert order([3, 2, 1], [0, 0, 1], [0, 0.2]) == [0, 1, 2]
    assert order([3, 2, 1], [0, 0, 1], [0, 0.2], offset=3) == [0, 2, 1]  # the fifth of the scroll


def test_a_move_that_costs_too_much_is_not_made() -> None:
    # Of 9/1 + 8/1.58 + 1/2 = 14.5 the move of 1 to the second place gives up 7/1.58 = 4.4
    scores, groups, least = [9.0, 8.0, 1.0], [0, 0, 1], [0, 0.5]

    assert order(scores, groups, least, tolerance=0.31) == [0, 2, 1]
    assert order(scores, groups, least, tolerance=0.29) == [0, 1, 2]


def test_what_is_beyond_the_pool_stays() -> None:
    assert order([3, 2, 1], [0, 0, 1], [0, 0.5], pool=2) == [0, 1, 2]


@given(PAGES, st.floats(0, 0.3))
def test_page_loses_no_more_than_is_tolerated_and_no_content(
    pairs: list[tuple[float, int]], tolerance: float
) -> None:
    pairs = sorted(pairs, reverse=True)
    score = np.array([s for s, _ in pairs])
    group = np.array([g for _, g in pairs])

    found = guarantee(score, group, np.array([0.3, 0.3, 0]), slots=10, pool=20, tolerance=tolerance)

    k = min(10, len(score))
    before, after = (attention(k) @ score[o[:k]] for o in (np.arange(len(score)), found.order))
    assert sorted(found.order.tolist()) == list(range(len(score)))
    assert before - after <= found.lost + 1e-9
    assert found.lost <= tolerance * before + 1e-9


@given(PAGES)
def test_without_tolerance_nothing_that_costs_is_moved(pairs: list[tuple[float, int]]) -> None:
    score = np.sort(np.array([s for s, _ in pairs]))[::-1]
    group = np.array([g for _, g in pairs])

    found = guarantee(score, group, np.array([0.5, 0.5, 0]), slots=10, pool=30, tolerance=0)

    assert score[found.order].tolist() == score.tolist()
