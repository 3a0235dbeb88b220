"""Adam: as its paper has it, and only for the rows of a batch."""

from __future__ import annotations

import numpy as np

from apps.ranking.algorithms import adam


def test_trajectory_is_that_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    curvature, ours = rng.random(5) + 0.1, rng.normal(size=5)
    theirs, m, v = ours.copy(), np.zeros(5), np.zeros(5)
    our_m, our_v = np.zeros(5), np.zeros(5)
    for t in range(1, 1001):
        adam.step(ours, our_m, our_v, curvature * ours, rate=0.01, t=t)
        g = curvature * theirs
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        theirs = theirs - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_first_step_is_the_rate_whatever_the_gradient() -> None:
    param, m, v = np.zeros(3), np.zeros(3), np.zeros(3)
    adam.step(param, m, v, np.array([1e3, -1e-3, 5.0]), rate=0.1, t=1)
    np.testing.assert_allclose(param, [-0.1, 0.1, -0.1], rtol=1e-4)


def test_lazy_step_on_every_row_is_the_dense_step() -> None:
    rng = np.random.default_rng(1)
    table, gradient = rng.normal(size=(2, 6, 3))
    dense = table.copy()
    zeros = [np.zeros((6, 3)) for _ in range(4)]
    adam.step(dense, zeros[0], zeros[1], gradient, rate=0.1, t=1)
    adam.lazy_step(table, zeros[2], zeros[3], np.arange(6), gradient, rate=0.1, t=1)
    np.testing.assert_allclose(table, dense, atol=1e-15)


def test_lazy_step_leaves_other_rows_and_their_moments_alone() -> None:
    rng = np.random.default_rng(2)
    table, m, v = rng.random((3, 6, 2))
    before = [a.copy() for a in (table, m, v)]
    adam.lazy_step(table, m, v, np.array([1, 4]), np.ones((2, 2)), rate=0.1, t=3)
    for now, then in zip((table, m, v), before, strict=True):
        np.testing.assert_array_equal(now[[0, 2, 3, 5]], then[[0, 2, 3, 5]])
        assert (now[[1, 4]] != then[[1, 4]]).all()
