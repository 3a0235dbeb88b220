"""Neighbors: cut to top-K and scored for a history."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from apps.candidates.algorithms.neighbors import (
    Neighbors,
    concatenate,
    score,
    score_rows,
    top_k,
    widen,
)

NEIGHBORS = Neighbors(
    np.array([[1, 2], [0, -1], [1, 0]], np.int32),
    np.array([[0.5, 0.25], [1.0, 0.0], [0.75, 0.5]], np.float32),
)


def rows(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def weights(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


class TestScore:
    def test_score_adds_what_each_event_points_at(self):
        # 2 × row 0 gives 1: 1.0 and 2: 0.5; 1 × row 2 gives 1: 0.75 and 0: 0.5.
        found = score(NEIGHBORS, rows(0, 2), weights(2, 1), 3)
        np.testing.assert_allclose(found, [0.5, 1.75, 0.5])

    def test_score_counts_a_repeated_event_twice(self):
        found = score(NEIGHBORS, rows(1, 1), weights(1, 1), 3)
        np.testing.assert_allclose(found, [2, 0, 0])

    def test_score_of_an_empty_history_is_zero(self):
        assert score(NEIGHBORS, rows(), weights(), 3).tolist() == [0, 0, 0]

    def test_score_ignores_contents_uploaded_since_the_fit(self):
        found = score(NEIGHBORS, rows(4, 1), weights(9, 1), 5)
        assert found.tolist() == [1, 0, 0, 0, 0]

    @given(
        hnp.arrays(np.float32, (6, 6), elements=st.floats(0, 8, width=16)),
        hnp.arrays(np.int64, 5, elements=st.integers(0, 5)),
        hnp.arrays(np.float32, 5, elements=st.floats(0, 1, width=16)),
    )
    def test_score_with_all_neighbors_kept_is_the_matrix_product(self, matrix, history, query):
        query_vector = np.zeros(6)
        np.add.at(query_vector, history, query)
        found = score(top_k(matrix, 6), history, query, 6)
        np.testing.assert_allclose(found, query_vector @ matrix, rtol=1e-5, atol=1e-5)


class TestTopK:
    def test_top_k_keeps_the_largest_best_first(self):
        kept = top_k(np.array([[1, 4, 2, 3]], np.float32), 2)
        assert (kept.indices.tolist(), kept.weights.tolist()) == ([[1, 3]], [[4, 3]])

    def test_top_k_drops_what_is_not_positive(self):
        kept = top_k(np.array([[0, -4, 2]], np.float32), 2)
        assert (kept.indices.tolist(), kept.weights.tolist()) == ([[2, -1]], [[2, 0]])

    @given(
        hnp.arrays(np.float32, (4, 9), elements=st.sampled_from([-1, 0, 1, 2, 3])),
        st.integers(1, 12),
    )
    def test_top_k_breaks_ties_by_index_like_a_stable_sort(self, matrix, k):
        expected = np.argsort(-matrix, axis=1, kind="stable")[:, :k]
        values = np.take_along_axis(matrix, expected, axis=1)
        kept = top_k(matrix, k)
        np.testing.assert_array_equal(kept.indices, np.where(values > 0, expected, -1))
        np.testing.assert_array_equal(kept.weights, np.maximum(values, 0))

    @pytest.mark.parametrize(("n", "m", "k"), [(0, 5, 2), (3, 0, 2), (3, 5, 0)])
    def test_top_k_of_nothing_is_nothing(self, n, m, k):
        kept = top_k(np.ones((n, m), np.float32), k)
        assert kept.indices.shape == (n, min(m, k))

    def test_top_k_of_more_rows_than_a_block_keeps_their_order(self):
        matrix = np.random.default_rng(0).random((1300, 7), np.float32)
        assert top_k(matrix, 1).indices[:, 0].tolist() == matrix.argmax(axis=1).tolist()


def test_widen_moves_rows_and_targets_to_the_catalog():
    wide = widen(NEIGHBORS, rows(2, 5, 6), 8)
    indices, weights = wide.of(rows(2, 5, 6))
    assert indices.tolist() == [[5, 6], [2, -1], [5, 2]]
    assert weights.tolist() == NEIGHBORS.weights.tolist()
    assert (wide.of(rows(0, 1, 3, 4, 7))[0] == -1).all()
    assert len(wide) == 8


def test_contents_past_the_end_have_no_neighbors():
    wide = widen(NEIGHBORS, rows(2, 5, 6), 8)
    for neighbors in (NEIGHBORS, wide, Neighbors.empty(3, 2)):
        assert neighbors.of(rows(99))[0].tolist() == [[-1, -1]]


@given(
    hnp.arrays(np.float32, (6, 6), elements=st.floats(0, 8, width=16)),
    hnp.arrays(np.int64, 5, elements=st.integers(0, 9)),
    st.integers(1, 6),
)
def test_score_rows_is_score_where_there_is_one(matrix, history, k):
    wide = widen(top_k(matrix, k), rows(0, 2, 3, 5, 6, 8), 9)
    dense = score(wide, history, np.ones(5, np.float32), 9)
    found, sums = score_rows(wide, history, np.ones(5, np.float32))
    np.testing.assert_allclose(sums, dense[found])
    assert not np.delete(dense, found).any()


def test_concatenate_puts_rows_under_each_other():
    joined = concatenate([NEIGHBORS, NEIGHBORS])
    assert joined.indices.tolist() == NEIGHBORS.indices.tolist() * 2
