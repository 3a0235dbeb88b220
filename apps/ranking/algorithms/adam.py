"""Adam, dense and lazy (spec §5.3; Kingma & Ba 2015)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.ranking.algorithms.loss import Floats

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


def step(param: Floats, m: Floats, v: Floats, gradient: Floats, *, rate: float, t: int) -> None:
    """Move `param` in place: m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ), θ ← θ − η m̂/(√v̂ + ε).

    All arrays have one shape; t ≥ 1 counts this step. In place, because a copy of every
    parameter at every step would cost more than the step.
    """
    m *= BETA_1
    m += (1 - BETA_1) * gradient
    v *= BETA_2
    v += (1 - BETA_2) * gradient * gradient
    param -= _move(m, v, rate, t)


def lazy_step(
    table: Floats,
    m: Floats,
    v: Floats,
    rows: NDArray[np.int64],
    gradient: Floats,
    *,
    rate: float,
    t: int,
) -> Floats:
    """Move the rows [u] (unique) of a table in place by their gradients [u, dim]; return the moves.

    LazyAdam: the moments of rows that a batch does not touch stand still, where Adam would let
    them decay and go on moving the row. The cost is that of the rows, not of the table.
    """
    m_rows = BETA_1 * m[rows] + (1 - BETA_1) * gradient
    v_rows = BETA_2 * v[rows] + (1 - BETA_2) * gradient * gradient
    m[rows], v[rows] = m_rows, v_rows
    moves = -_move(m_rows, v_rows, rate, t)
    table[rows] += moves
    return moves


def _move(m: Floats, v: Floats, rate: float, t: int) -> Floats:
    m_hat = m / m.dtype.type(1 - BETA_1**t)
    v_hat = v / v.dtype.type(1 - BETA_2**t)
    return np.asarray(m_hat * (m.dtype.type(rate) / (np.sqrt(v_hat) + m.dtype.type(EPSILON))))
