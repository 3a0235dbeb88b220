"""Greedy MAP inference against determinants worked out one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.candidates.algorithms.blocks import unit_rows
from apps.ranking.algorithms.dpp import Limit, greedy_map


def made(n: int, f: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    return unit_rows(rng.normal(size=(n, f)).astype(np.float32)), rng.random(n)


def naive(
    vectors: NDArray, quality: NDArray, k: int, *, theta: float, shown: NDArray, window: int
) -> list[int]:
    """Return what `greedy_map` must: every determinant worked out anew, in float64."""
    everything = np.concatenate([shown, vectors]).astype(np.float64)
    s = everything @ everything.T + 0.1 * np.eye(len(everything))
    m, met, picked = len(shown), list(range(len(shown))), []

    def log_det(rows: list[int]) -> float:
        return float(np.linalg.slogdet(s[np.ix_(rows, rows)])[1]) if rows else 0.0

    for _ in range(k):
        latest = met[len(met) - window + 1 :] if len(met) >= window else met
        left = [i for i in range(len(vectors)) if i not in picked]
        values = [
            theta * quality[i] + (1 - theta) * (log_det([*latest, m + i]) - log_det(latest))
            for i in left
        ]
        best = left[int(np.argmax(values))]
        picked.append(best)
        met.append(m + best)
    return picked


@given(
    st.integers(1, 14),
    st.integers(2, 6),
    st.floats(0.05, 0.99),
    st.integers(0, 6),
    st.integers(2, 6),
    st.integers(0, 10_000),
)
@settings(max_examples=150, deadline=None)
def test_fast_greedy_picks_what_naive_greedy_picks(
    n: int, f: int, theta: float, m: int, window: int, seed: int
) -> None:
    vectors, quality = made(n, f, seed)
    shown, _ = made(m, f, seed + 1)
    asked: dict[str, Any] = {"theta": theta, "shown": shown, "window": window}

    assert greedy_map(vectors, quality, n, **asked).tolist() == naive(vectors, quality, n, **asked)


def test_two_that_are_alike_make_room_for_one_that_is_not() -> None:
    # S of rows 0 and 1 is 1 off the diagonal: gain of 1 after 0 is log(1.1 − 1/1.1) = −1.66, of 2
    # it is log 1.1 = 0.10; .5 · .9 − .5 · 1.66 = −.38 is less than .5 · .5 + .5 · .10 = .30
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    quality = np.array([1.0, 0.9, 0.5])

    assert greedy_map(vectors, quality, 3, theta=0.5).tolist() == [0, 2, 1]
    assert greedy_map(vectors, quality, 3, theta=1.0).tolist() == [0, 1, 2]


def test_what_was_just_shown_is_not_shown_again_in_other_words() -> None:
    vectors = np.array([[1, 0], [0, 1]], np.float32)
    quality = np.array([0.6, 0.5])

    shown = greedy_map(vectors, quality, 2, theta=0.8, shown=vectors[:1])

    assert (greedy_map(vectors, quality, 2, theta=0.8)[0], shown[0]) == (0, 1)


def test_what_left_the_window_may_come_again() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    quality = np.array([1.0, 0.9, 0.8, 0.7])

    assert greedy_map(vectors, quality, 4, theta=0.3, window=2).tolist() == [0, 1, 2, 3]


def test_limits_end_the_page_where_nothing_is_left() -> None:
    vectors, quality = made(6, 4, 0)
    limit = Limit(np.zeros((6, 1), np.int64), 2)

    assert len(greedy_map(vectors, quality, 6, theta=0.9, limits=[limit])) == 2


def test_what_has_no_quality_is_never_picked() -> None:
    vectors, quality = made(4, 3, 0)
    quality[[0, 2]] = -np.inf, np.nan

    assert sorted(greedy_map(vectors, quality, 4, theta=0.9).tolist()) == [1, 3]


@pytest.mark.parametrize(("n", "k"), [(0, 5), (3, 0)])
def test_nothing_of_nothing(n: int, k: int) -> None:
    assert greedy_map(*made(n, 3, 0), k, theta=0.9).tolist() == []
