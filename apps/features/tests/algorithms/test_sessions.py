"""Sessions against their definition, event by event."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.features.algorithms.sessions import GAP_MS, Sessions, merge

T0 = 1_760_000_000_000
MINUTE = 60_000
Row = tuple[int, int, int]  # viewer, minute of start, minutes watched

# Minutes on a grid of 10, so that pauses of exactly 30 are common, with a millisecond to spare.
_minutes = st.integers(0, 40).map(lambda tens: 10 * tens * MINUTE)
_moments = st.builds(lambda at, more: at + more, _minutes, st.sampled_from([0, 0, 1, -1]))
streams = st.lists(
    st.tuples(st.integers(1, 3), _moments, st.sampled_from([0, 0, 1, 10 * MINUTE, 90 * MINUTE])),
    max_size=40,
)


def stretches(rows: list[Row]) -> Sessions:
    viewer, at, watched = np.array(rows, np.int64).reshape(-1, 3).T
    ones = np.ones(len(rows), np.int64)
    return Sessions(viewer, T0 + at, T0 + at + watched, ones, ones, 0 * ones, watched)


def naive(rows: list[Row]) -> list[tuple[int, ...]]:
    """Return sessions by joining any two that touch until none do: O(n²) and more."""
    found = [[v, T0 + at, T0 + at + watched, 1, 1, 0, watched] for v, at, watched in rows]
    while (touching := _two_that_touch(found)) is not None:
        i, k = touching
        a, b = found[i], found.pop(k)
        sums = [x + y for x, y in zip(a[3:], b[3:], strict=True)]
        found[i] = [a[0], min(a[1], b[1]), max(a[2], b[2]), *sums]
    return sorted(tuple(row) for row in found)


def _two_that_touch(found: list[list[int]]) -> tuple[int, int] | None:
    for i, a in enumerate(found):
        for k in range(i + 1, len(found)):
            b = found[k]
            if a[0] == b[0] and max(a[1], b[1]) - min(a[2], b[2]) <= GAP_MS:
                return i, k
    return None


def test_pause_of_exactly_30_minutes_belongs_to_the_session() -> None:
    # A view from 0 to 10 min; the next event at 40:00.000.
    found = merge(stretches([(1, 0, 10 * MINUTE), (1, 40 * MINUTE, 0)]))

    assert found.rows() == [(1, T0, T0 + 40 * MINUTE, 2, 2, 0, 10 * MINUTE)]


def test_a_millisecond_more_opens_a_new_session() -> None:
    found = merge(stretches([(1, 0, 10 * MINUTE), (1, 40 * MINUTE + 1, 0)]))

    assert found.started_ms.tolist() == [T0, T0 + 40 * MINUTE + 1]


def test_pause_is_measured_from_the_latest_end_not_from_the_last_start() -> None:
    # A view of 90 min goes on while a like comes at 5 min; 110 min is 20 min after its end.
    found = merge(stretches([(1, 0, 90 * MINUTE), (1, 5 * MINUTE, 0), (1, 110 * MINUTE, 0)]))

    assert found.n_events.tolist() == [3]


def test_viewers_do_not_share_sessions() -> None:
    found = merge(stretches([(1, 0, 90 * MINUTE), (2, MINUTE, 0), (1, MINUTE, 0)]))

    assert found.viewer.tolist() == [1, 2]
    assert found.n_events.tolist() == [2, 1]


@settings(deadline=None, max_examples=400)
@given(streams)
def test_sessions_are_those_of_the_definition(rows: list[Row]) -> None:
    assert merge(stretches(rows)).rows() == naive(rows)


@settings(deadline=None, max_examples=200)
@given(streams.flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))), st.integers(1, 9))
def test_any_order_and_any_parts_give_the_same_sessions(both: tuple, size: int) -> None:
    rows, shuffled = both
    so_far = Sessions.concat([])
    for start in range(0, len(shuffled), size):
        part = merge(stretches(shuffled[start : start + size]))
        so_far = merge(Sessions.concat([so_far, part]))

    assert so_far.rows() == merge(stretches(rows)).rows()


@given(streams)
def test_sessions_are_disjoint_and_lose_nothing(rows: list[Row]) -> None:
    found = merge(stretches(rows))

    same_viewer = found.viewer[1:] == found.viewer[:-1]
    assert (found.started_ms[1:] - found.ended_ms[:-1] > GAP_MS)[same_viewer].all()
    assert found.n_events.sum() == len(rows)
    assert found.watch_ms.sum() == sum(row[2] for row in rows)
    assert merge(found).rows() == found.rows()


def test_many_viewers_over_many_years_do_not_overflow() -> None:
    n = 200_000
    rng = np.random.default_rng(0)
    viewer, at = rng.integers(1, 2**62, n), rng.integers(0, 2**43, n)
    zero = np.zeros(n, np.int64)

    found = merge(Sessions(viewer, at, at, zero + 1, zero, zero, zero))

    assert len(found) == n


@pytest.mark.parametrize("n", [0, 1])
def test_few_stretches(n: int) -> None:
    given_rows = stretches([(1, 0, 0)] * n)

    found = merge(given_rows)

    for field in fields(Sessions):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(given_rows, field.name))
