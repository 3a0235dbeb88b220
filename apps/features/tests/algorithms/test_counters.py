"""Decayed counters against their closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.features.algorithms.counters import HALF_LIVES_HOURS, HOUR_MS, Counters

T0 = 1_760_000_000_000
N_ENTITIES, N_KINDS = 3, 2
SPAN_HOURS = 24 * 60

events = st.lists(
    st.tuples(
        st.integers(-1, N_ENTITIES - 1),
        st.integers(0, N_KINDS - 1),
        st.integers(0, SPAN_HOURS * HOUR_MS),
    ),
    max_size=30,
)


def naive(given_events: list[tuple[int, int, int]], now_ms: int) -> np.ndarray:
    """Return Σ 2^(−age / half-life) by its definition, one event after another."""
    sums = np.zeros((N_ENTITIES, N_KINDS, len(HALF_LIVES_HOURS)))
    for entity, kind, at in given_events:
        for h, half_life in enumerate(HALF_LIVES_HOURS):
            age_hours = (now_ms - (T0 + at)) / HOUR_MS
            if entity >= 0:
                sums[entity, kind, h] += 2.0 ** (-age_hours / half_life)
    return sums


def counted(parts: list[list[tuple[int, int, int]]]) -> Counters:
    counters = Counters(N_ENTITIES, N_KINDS)
    for part in parts:
        entity, kind, at = np.array(part, np.int64).reshape(-1, 3).T
        counters.add(entity, kind, T0 + at)
    return counters


def read(counters: Counters, now_ms: int) -> np.ndarray:
    return counters.at(np.arange(N_ENTITIES), now_ms)


def test_event_counts_a_half_after_its_half_life() -> None:
    counters = counted([[(0, 1, 0)]])

    # 6 h: 2^(−24/6) = 1/16; 24 h: 1/2; 168 h: 2^(−1/7); ever: 1
    expected = [1 / 16, 1 / 2, 2 ** (-1 / 7), 1]
    np.testing.assert_allclose(read(counters, T0 + 24 * HOUR_MS)[0, 1], expected, rtol=1e-12)


@settings(deadline=None)
@given(events, st.integers(0, 24 * 30 * HOUR_MS))
def test_counters_equal_the_closed_form(given_events: list, later_ms: int) -> None:
    now_ms = T0 + SPAN_HOURS * HOUR_MS + later_ms

    found = read(counted([given_events]), now_ms)

    np.testing.assert_allclose(found, naive(given_events, now_ms), rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(events.flatmap(lambda e: st.tuples(st.just(e), st.permutations(e))), st.integers(1, 7))
def test_counters_are_the_same_in_any_order_and_chunks(both: tuple, size: int) -> None:
    in_order, shuffled = both
    now_ms = T0 + SPAN_HOURS * HOUR_MS
    parts = [shuffled[i : i + size] for i in range(0, len(shuffled), size)]

    found = read(counted(parts), now_ms)

    np.testing.assert_allclose(found, naive(in_order, now_ms), rtol=1e-9, atol=1e-12)


def test_moving_the_landmark_keeps_all_values() -> None:
    # e^300 of the 6 h half-life is reached after 300·6/ln 2 h ≈ 108 days.
    steps = [(0, 0, day * 24 * HOUR_MS) for day in range(0, 400, 40)]
    now_ms = T0 + 400 * 24 * HOUR_MS

    found = read(counted([[step] for step in steps]), now_ms)

    np.testing.assert_allclose(found, naive(steps, now_ms), rtol=1e-9, atol=1e-12)
    assert np.isfinite(found).all()


def test_moving_the_landmark_leaves_the_array_of_a_reader_alone() -> None:
    counters = counted([[(0, 0, 0)]])
    held = counters.sums
    before = held.copy()

    counters.add(np.array([1]), np.array([0]), np.array([T0 + 300 * 24 * HOUR_MS]))

    np.testing.assert_array_equal(held, before)


def test_event_older_than_the_landmark_counts_as_well() -> None:
    late_first = [[(0, 0, 400 * 24 * HOUR_MS)], [(0, 0, 0)]]
    now_ms = T0 + 400 * 24 * HOUR_MS

    found = read(counted(late_first), now_ms)

    np.testing.assert_allclose(found[0, 0], naive([e for p in late_first for e in p], now_ms)[0, 0])


def test_entity_minus_one_is_passed_over_and_reads_zero() -> None:
    counters = counted([[(-1, 0, 0), (2, 0, 0)]])

    assert counters.at(np.array([-1, 2]), T0)[:, 0, 3].tolist() == [0, 1]
    assert counters.sums.sum() == 4  # one event at four half-lives


def test_moments_may_differ_by_entity() -> None:
    counters = counted([[(0, 0, 0), (1, 0, 0)]])

    found = counters.at(np.array([0, 1]), np.array([T0, T0 + 24 * HOUR_MS]))

    np.testing.assert_allclose(found[:, 0, 1], [1, 0.5])


def test_all_at_reads_what_at_reads() -> None:
    counters = counted([[(0, 0, 0), (1, 1, 5), (2, 0, 9), (0, 0, 9)]])

    whole = counters.at(np.arange(N_ENTITIES), T0 + HOUR_MS)

    for kind in range(N_KINDS):
        for half_life in range(len(HALF_LIVES_HOURS)):
            column = counters.all_at(kind, half_life, T0 + HOUR_MS)[:N_ENTITIES]
            np.testing.assert_allclose(column, whole[:, kind, half_life])


@settings(deadline=None)
@given(events, st.integers(0, 48 * HOUR_MS), st.lists(st.integers(0, N_ENTITIES - 1), min_size=1))
def test_before_reads_what_counting_up_to_the_moment_reads(
    given_events: list, spread_ms: int, asked: list[int]
) -> None:
    # Events up to START are counted, later ones are not yet; each moment is within 48 hours of it.
    start = SPAN_HOURS * HOUR_MS // 2
    done = [e for e in given_events if e[2] < start]
    open_ones = [(e, k, start + at % (48 * HOUR_MS)) for e, k, at in given_events if at >= start]
    moments = [start + spread_ms * i // len(asked) for i in range(len(asked))]
    entity, kind, at = np.array(open_ones, np.int64).reshape(-1, 3).T

    found = counted([done]).before(np.array(asked), T0 + np.array(moments), (entity, kind, T0 + at))

    for row, one, moment in zip(found, asked, moments, strict=True):
        known = [e for e in done + open_ones if e[2] < moment]
        np.testing.assert_allclose(row, naive(known, T0 + moment)[one], rtol=1e-7, atol=1e-9)


def test_event_of_several_entities_counts_for_each() -> None:
    counters = Counters(3, 1)
    counters.add(np.array([[0, 2], [2, -1]]), np.array([0, 0]), np.array([T0, T0]))

    found = counters.at(np.array([[2, 0], [1, -1]]), np.array([T0, T0]))

    assert found[:, :, 0, 3].tolist() == [[2, 1], [0, 0]]


def test_kinds_past_the_last_are_passed_over() -> None:
    counters = Counters(1, 2)
    counters.add(np.array([0, 0]), np.array([1, 2]), np.array([T0, T0]))

    assert counters.at(np.array([0]), T0)[0, :, 3].tolist() == [0, 1]


def test_counters_without_events_read_zero() -> None:
    counters = Counters(2, 1)

    assert counters.at(np.array([0, 1, -1]), T0).sum() == 0
    assert counters.all_at(0, 0, T0).tolist() == [0, 0]
    counters.add(*(np.empty(0, np.int64) for _ in range(3)))
    assert counters.at(np.array([0]), T0).sum() == 0


@pytest.mark.parametrize("sizes", [(3, 5, 100), (10, 2, 10)])
def test_growing_keeps_what_was_counted(sizes: tuple[int, ...]) -> None:
    counters = counted([[(0, 0, 0)]])

    for size in sizes:
        counters.grow(size)

    assert len(counters.sums) >= max(sizes)
    assert counters.at(np.array([0]), T0)[0, 0, 3] == 1
