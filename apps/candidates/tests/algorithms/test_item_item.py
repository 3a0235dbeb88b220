"""The recency-weighted item kNN."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apps.candidates.algorithms.item_item import ItemItemParams, fit_item_item
from apps.candidates.algorithms.neighbors import score

PARAMS = ItemItemParams(window=3, decay_events=2.0, shrinkage=1.0, k=10)


def fit(events, n_contents=5, params=PARAMS):
    """Fit on (viewer, content, weight) in time order."""
    columns = np.array(events, np.float64).reshape(-1, 3)
    viewers, contents = columns[:, 0].astype(np.int64), columns[:, 1].astype(np.int64)
    return fit_item_item(viewers, contents, columns[:, 2].astype(np.float32), n_contents, params)


def dense(neighbors, n_contents=5):
    one = np.ones(1, np.float32)
    return np.array(
        [score(neighbors, np.array([row]), one, n_contents) for row in range(n_contents)]
    )


def test_a_pair_gets_its_faded_and_shrunk_cosine():
    found = dense(fit([(1, 0, 1), (1, 2, 1), (1, 1, 0.5)]))
    # n = (1, .5, 1). Neighbors 0–2: 1/(1 + 1). One event apart, 0–1: .5 e^{−1/2} / (√.5 + 1).
    assert np.isclose(found[0, 2], 1 / 2)
    assert np.isclose(found[0, 1], 0.5 * np.exp(-0.5) / (np.sqrt(0.5) + 1))


events_of = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from([0.25, 1.0])), max_size=20
)


@given(events_of)
def test_fit_equals_a_loop_over_pairs(events):
    joint, counts = np.zeros((5, 5)), np.zeros(5)
    for t, (viewer, content, weight) in enumerate(events):
        counts[content] += weight
        earlier = [(i, w) for v, i, w in events[:t] if v == viewer][::-1][: PARAMS.window]
        for distance, (item, earlier_weight) in enumerate(earlier):
            pair = weight * earlier_weight * np.exp(-distance / PARAMS.decay_events)
            joint[item, content] += pair
            joint[content, item] += pair
    np.fill_diagonal(joint, 0)
    expected = joint / (np.sqrt(np.outer(counts, counts)) + PARAMS.shrinkage)
    np.testing.assert_allclose(dense(fit(events)), expected, atol=1e-5)


@given(events_of)
def test_similarities_are_symmetric_and_never_to_oneself(events):
    found = dense(fit(events))
    np.testing.assert_allclose(found, found.T, atol=1e-6)
    assert not found.diagonal().any()


def test_no_events_give_no_neighbors():
    neighbors = fit([])
    assert len(neighbors) == 5
    assert not dense(neighbors).any()


def test_without_shrinkage_unseen_contents_stay_finite():
    params = ItemItemParams(window=3, decay_events=2.0, shrinkage=0.0, k=10)
    assert np.isfinite(dense(fit([(1, 0, 1), (1, 1, 1)], params=params))).all()
