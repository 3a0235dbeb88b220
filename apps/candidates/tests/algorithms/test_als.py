"""iALS: the solves, their agreement and what the fit recovers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from apps.candidates.algorithms.als import ALSParams, fit_als, fold_in, fold_in_many, gram

PARAMS = ALSParams(factors=8, iterations=5, unobserved_weight=0.1, regularization=0.01)


def confidence(n_viewers: int, n_contents: int, density: float, seed: int = 0) -> sp.csr_matrix:
    """Random histories of confidences .3 and 1."""
    rng = np.random.default_rng(seed)
    dense = rng.choice([0.3, 1.0], (n_viewers, n_contents))
    return sp.csr_matrix(dense * (rng.random((n_viewers, n_contents)) < density), dtype=np.float32)


def vectors(n: int, factors: int = 8) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(n, factors)).astype(np.float32)


def objective(c: sp.csr_matrix, viewers: np.ndarray, contents: np.ndarray, p: ALSParams) -> float:
    """Return the loss of the module's docstring, over every pair."""
    dense, scores = c.toarray().astype(np.float64), viewers.astype(np.float64) @ contents.T
    loss = (dense * (scores - 1) ** 2).sum() + p.unobserved_weight * (scores**2).sum()
    for side, axis, others in ((viewers, 1, c.shape[1]), (contents, 0, c.shape[0])):
        base = dense.sum(axis=axis) + p.unobserved_weight * others
        loss += p.regularization * (base**p.frequency_exponent * (side**2).sum(axis=1)).sum()
    return float(loss)


class TestFoldIn:
    def test_fold_in_solves_the_worked_example(self):
        # One content (2), one factor: (.1·4 + 1·4 + λ') w = 1·2, λ' = .01·(1 + .1·1) = .011.
        params = replace(PARAMS, factors=1)
        contents = np.array([[2.0]], np.float32)
        found = fold_in(contents, gram(contents), np.array([0]), np.array([1.0], "f"), params)
        np.testing.assert_allclose(found, [2 / 4.411], rtol=1e-6)

    def test_fold_in_of_an_empty_history_is_zero(self):
        contents = vectors(5)
        nothing = np.empty(0, np.int64), np.empty(0, np.float32)
        assert not fold_in(contents, gram(contents), *nothing, PARAMS).any()

    @given(st.integers(0, 1000), st.sampled_from([0.0, 0.5, 1.0]))
    def test_fold_in_minimises_the_loss_of_its_viewer(self, seed, exponent):
        params = replace(PARAMS, frequency_exponent=exponent)
        contents = vectors(20)
        history = confidence(1, 20, 0.4, seed)
        best = fold_in(contents, gram(contents), history.indices, history.data, params)
        rng = np.random.default_rng(seed)
        other = best + rng.normal(0, 0.05, best.shape)
        losses = [objective(history, w[None], contents, params) for w in (best, other)]
        assert losses[0] < losses[1]


class TestFoldInMany:
    # Densities on both sides of h = f, so that both ways of solving are taken.
    @pytest.mark.parametrize("density", [0.02, 0.2, 0.9])
    @pytest.mark.parametrize("n_threads", [1, 2])
    def test_fold_in_many_agrees_with_fold_in(self, density, n_threads):
        params = replace(PARAMS, n_threads=n_threads)
        contents, histories = vectors(60), confidence(40, 60, density)
        many = fold_in_many(contents, gram(contents), histories, params)
        one_by_one = [
            fold_in(contents, gram(contents), row.indices, row.data, params) for row in histories
        ]
        np.testing.assert_allclose(many, one_by_one, rtol=1e-3, atol=1e-4)

    def test_fold_in_many_of_nobody_is_empty(self):
        contents = vectors(5)
        assert fold_in_many(contents, gram(contents), confidence(0, 5, 1), PARAMS).shape == (0, 8)


class TestFitALS:
    def test_each_iteration_lowers_the_loss(self):
        c = confidence(50, 30, 0.2)
        losses = []
        for iterations in range(1, 6):
            params = replace(PARAMS, iterations=iterations)
            contents = fit_als(c, params, np.random.default_rng(0))
            viewers = fold_in_many(contents, gram(contents), c, params)
            losses.append(objective(c, viewers, contents, params))
        assert losses == sorted(losses, reverse=True)

    def test_a_checkerboard_is_recovered(self):
        # Even viewers meet even contents, odd ones odd; each misses one content of its color.
        rows, columns = np.indices((20, 20))
        met = (rows + columns) % 2 == 0
        held_out = (rows + 2 * (rows // 2 % 5)) % 20
        np.put_along_axis(met, held_out[:, :1], False, axis=1)
        c = sp.csr_matrix(met, dtype=np.float32)
        contents = fit_als(c, PARAMS, np.random.default_rng(0))
        scores = fold_in_many(contents, gram(contents), c, PARAMS) @ contents.T
        best = np.where(met, -np.inf, scores).argmax(axis=1)
        assert best.tolist() == held_out[:, 0].tolist()

    def test_contents_that_nobody_met_have_zero_vectors(self):
        c = confidence(20, 10, 0.5).tolil()
        c[:, 3] = 0
        assert not fit_als(c.tocsr(), PARAMS, np.random.default_rng(0))[3].any()

    def test_the_same_seed_gives_the_same_vectors(self):
        c = confidence(20, 10, 0.5)
        first, second = (fit_als(c, PARAMS, np.random.default_rng(7)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
