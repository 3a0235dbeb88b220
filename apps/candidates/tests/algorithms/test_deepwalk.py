"""Random walks: planted communities are found; what is sampled is what an exact product gives."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from apps.candidates.algorithms.blocks import unit_rows
from apps.candidates.algorithms.deepwalk import (
    DeepWalkParams,
    co_occurrences,
    fit_deepwalk,
    positive_pmi,
)


def communities(*, stray: float, viewers: int = 300, contents: int = 100) -> sp.csr_matrix:
    """Return who met what: each viewer 10 contents of their half, some of the other half."""
    rng = np.random.default_rng(0)
    met = np.zeros((viewers, contents), np.float32)
    half = contents // 2
    for viewer in range(viewers):
        side = np.where(rng.random(10) < stray, 1 - viewer % 2, viewer % 2)
        met[viewer, rng.integers(0, half, 10) + side * half] = 1
    return sp.csr_matrix(met)


def test_two_communities_are_told_apart() -> None:
    vectors = fit_deepwalk(
        communities(stray=0.1), DeepWalkParams(factors=8), np.random.default_rng(1)
    )
    vectors = unit_rows(vectors)
    truth = np.arange(100) >= 50
    centers = unit_rows(np.stack([vectors[~truth].mean(axis=0), vectors[truth].mean(axis=0)]))
    nearest = (vectors @ centers.T).argmax(axis=1).astype(bool)
    assert (nearest == truth).mean() >= 0.99


def test_sampled_windows_are_those_of_the_exact_product() -> None:
    met = communities(stray=0.3, viewers=30, contents=10).toarray()
    params = DeepWalkParams(walks=3000, length=5, window=2)
    sampled = co_occurrences(sp.csr_matrix(met), params, np.random.default_rng(0)).toarray()
    step = (met / met.sum(axis=0)).T @ (met / met.sum(axis=1, keepdims=True))
    visits, exact = [np.ones(10)], np.zeros((10, 10))
    for _ in range(params.length - 1):
        visits.append(visits[-1] @ step)
    for lag in (1, 2):
        exact += np.diag(sum(visits[: params.length - lag])) @ np.linalg.matrix_power(step, lag)
    exact = params.walks * (exact + exact.T)
    # Counts of a few thousand each: 5 standard deviations are about 8 %.
    np.testing.assert_allclose(sampled, exact, rtol=0.1, atol=150)


def test_pmi_is_the_logarithm_over_chance() -> None:
    # Σ = 10; #(0, 1) = 4, totals 4 and 5: log(4·10/20) = log 2. #(1, 2) = 1, totals 5 and 1.
    counts = sp.csr_matrix(np.array([[0, 4, 0], [4, 0, 1], [0, 1, 0]], np.float32))
    found = positive_pmi(counts, 1.0).toarray()
    assert found[0, 1] == pytest.approx(np.log(2), rel=1e-6)
    assert found[1, 2] == pytest.approx(np.log(2), rel=1e-6)
    assert not positive_pmi(counts, 2.1).nnz


def test_contents_that_nobody_met_have_no_vector() -> None:
    met = sp.hstack([communities(stray=0.1), sp.csr_matrix((300, 2))]).tocsr()
    vectors = fit_deepwalk(met, DeepWalkParams(factors=4, walks=2), np.random.default_rng(0))
    assert vectors.shape == (102, 4)
    assert not vectors[100:].any()
    assert vectors[:100].any(axis=1).all()


def test_nothing_met_gives_no_vectors() -> None:
    nothing = sp.csr_matrix((0, 5), dtype=np.float32)
    assert not fit_deepwalk(nothing, DeepWalkParams(factors=4), np.random.default_rng(0)).any()
