"""The closed-form next-item ridge."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apps.candidates.algorithms.neighbors import score
from apps.candidates.algorithms.next_item import NextItemParams, fit_next_item

PARAMS = NextItemParams(window=3, decay_events=2.0, regularization=1.0, k=10)


def fit(events, n_contents=6, params=PARAMS):
    """Fit on (viewer, content) pairs in time order, each of weight 1."""
    columns = np.array(events, np.int64).reshape(-1, 2)
    weights = np.ones(len(columns), np.float32)
    return fit_next_item(columns[:, 0], columns[:, 1], weights, n_contents, params)


def dense(neighbors, n_contents=6):
    one = np.ones(1, np.float32)
    return np.array(
        [score(neighbors, np.array([row]), one, n_contents) for row in range(n_contents)]
    )


def test_one_transition_gets_the_ridge_weight():
    # S = [1 at 0], T = [1 at 1]: B_01 = 1 / (1 + λ) = 1/2.
    expected = np.zeros((6, 6))
    expected[0, 1] = 0.5
    np.testing.assert_allclose(dense(fit([(1, 0), (1, 1)])), expected, rtol=1e-6)


def test_what_follows_outranks_what_came_before():
    neighbors = fit([(viewer, content) for viewer in range(5) for content in (0, 1, 2)])
    scores = score(neighbors, np.array([1]), np.ones(1, np.float32), 6)
    assert scores.argmax() == 2


events_of = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=20)


@given(events_of)
def test_fit_equals_the_normal_equations_solved_densely(events):
    n = len(events)
    past, present = np.zeros((n, 6)), np.zeros((n, 6))
    for t, (viewer, content) in enumerate(events):
        earlier = [i for v, i in events[:t] if v == viewer][::-1][: PARAMS.window]
        for distance, item in enumerate(earlier):
            past[t, item] += np.exp(-distance / PARAMS.decay_events)
        present[t, content] = 1
    expected = np.linalg.solve(past.T @ past + np.eye(6), past.T @ present)
    np.testing.assert_allclose(dense(fit(events)), np.maximum(expected, 0), atol=1e-5)


@given(events_of)
def test_viewers_may_be_renumbered(events):
    renumbered = [(7 - viewer, content) for viewer, content in events]
    np.testing.assert_allclose(dense(fit(renumbered)), dense(fit(events)), atol=1e-5)


def test_only_heads_are_linked():
    events = [(1, 5), (1, 3), (1, 0), (2, 5), (2, 3), (3, 5), (3, 3)]
    params = NextItemParams(window=3, decay_events=2.0, regularization=1.0, max_items=2)
    linked = dense(fit(events, params=params)) > 0
    assert np.argwhere(linked).tolist() == [[5, 3]]


def test_no_events_give_no_neighbors():
    neighbors = fit([])
    assert len(neighbors) == 6
    assert not dense(neighbors).any()


def test_events_of_weight_zero_do_not_count():
    viewers, contents = np.array([1, 1, 1]), np.array([0, 2, 1])
    weights = np.array([1, 0, 1], np.float32)
    found = dense(fit_next_item(viewers, contents, weights, 6, PARAMS))
    np.testing.assert_allclose(found, dense(fit([(1, 0), (1, 1)])))
