"""Faded pasts and blockwise products."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from apps.candidates.algorithms import sequences
from apps.candidates.algorithms.sequences import (
    one_hot,
    past_windows,
    product_blocks,
    recency_weights,
)


def windows(viewers, items, weights, window=2, decay=1.0):
    arrays = np.array(viewers, np.int64), np.array(items, np.int64)
    return past_windows(*arrays, np.array(weights, np.float32), 3, window, decay).toarray()


def test_past_windows_fades_with_distance_and_stops_at_the_viewer():
    found = windows([1, 1, 1, 2], [0, 1, 2, 0], [1, 0.5, 1, 1])
    # Before event 2: item 1 (weight .5) at distance 0, item 0 (weight 1) at distance 1.
    expected = [[0, 0, 0], [1, 0, 0], [np.exp(-1), 0.5, 0], [0, 0, 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_past_windows_forgets_events_before_the_window():
    found = windows([1, 1, 1], [0, 1, 2], [1, 1, 1], window=1)
    assert found[2].tolist() == [0, 1, 0]


@pytest.mark.parametrize("n", [0, 1])
def test_past_windows_of_no_pair_is_empty(n):
    assert windows([1] * n, [0] * n, [1] * n).tolist() == [[0, 0, 0]] * n


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 4)), max_size=12),
    st.integers(1, 5),
)
def test_past_windows_equals_a_loop_over_each_viewer(events, window):
    events = sorted(events, key=lambda event: event[0])
    viewers, items, weights = ([event[i] for event in events] for i in range(3))
    expected = np.zeros((len(events), 3))
    for t in range(len(events)):
        for s in range(max(0, t - window), t):
            fade = weights[s] * np.exp(-(t - s - 1) / 2.0)
            expected[t, items[s]] += fade * (viewers[s] == viewers[t])
    found = windows(viewers, items, weights, window, 2.0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_product_blocks_join_to_the_product(monkeypatch):
    monkeypatch.setattr(sequences, "_CELLS", 8)  # two rows of four cells a block
    left = sp.random_array((6, 5), density=0.5, rng=np.random.default_rng(0)).tocsr()
    right = sp.random_array((6, 4), density=0.5, rng=np.random.default_rng(1)).tocsr()
    starts, blocks = zip(*product_blocks(left, right), strict=True)
    assert starts == (0, 2, 4)
    np.testing.assert_allclose(np.concatenate(blocks), (left.T @ right).toarray())


def test_one_hot_holds_one_weight_a_row():
    found = one_hot(np.array([2, 0]), np.array([1, 0.5], np.float32), 3).toarray()
    assert found.tolist() == [[0, 0, 1], [0.5, 0, 0]]


def test_recency_weights_fade_from_the_end_and_stop_at_the_window():
    found = recency_weights(np.array([1, 1, 1, 0.5], np.float32), window=3, decay_events=2.0)
    np.testing.assert_allclose(found, [0, np.exp(-1), np.exp(-0.5), 0.5], rtol=1e-6)


def test_recency_weights_of_an_empty_history_are_empty():
    assert len(recency_weights(np.empty(0, np.float32), 3, 2.0)) == 0
