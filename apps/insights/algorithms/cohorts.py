"""Who came again: retention of active and of new viewers (spec §8.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def returns(cohort: NDArray[np.bool_], presence: NDArray[np.bool_], n_days: int) -> Ints:
    """Return int64[d, n_days + 1]: how many of day i's cohort were there on day i + n.

    Both are bool[viewers, d]; the cohort of a day are some of those who were there. Entries past
    the last day are 0; whether a day is over yet is for the reader to say. One product of matrices:
    |cohort(D) ∩ active(D + n)| of all pairs.
    """
    return _diagonals(_pairs(cohort, presence), n_days)


def new_returns(
    cohort: NDArray[np.bool_], presence: NDArray[np.bool_], first: Ints, n_days: int
) -> Ints:
    """Return the same of those viewers only whose first day (int64[viewers], by column) it is."""
    is_new = cohort & (first[:, None] == np.arange(presence.shape[1]))
    return returns(is_new, presence, n_days)


def rolling(presence: NDArray[np.bool_], n_days: int) -> Ints:
    """Return int64[d]: how many viewers were there on any of the `n_days` up to each day."""
    # Days since the viewer was there last, by a running maximum.
    columns = np.arange(presence.shape[1])
    last = np.maximum.accumulate(np.where(presence, columns, -n_days - 1), axis=1)
    return np.asarray((columns - last < n_days).sum(axis=0), np.int64)


def rolling_new(presence: NDArray[np.bool_], first: Ints, n_days: int) -> Ints:
    """Return of the same int64[d] those whose first day (by column) is one of the `n_days`."""
    columns = np.arange(presence.shape[1])
    age = columns - first[:, None]
    is_new = (first[:, None] >= 0) & (age >= 0) & (age < n_days)
    last = np.maximum.accumulate(np.where(presence, columns, -n_days - 1), axis=1)
    return np.asarray((is_new & (columns - last < n_days)).sum(axis=0), np.int64)


def _pairs(ones: NDArray[np.bool_], others: NDArray[np.bool_]) -> Ints:
    # float32 counts up to 2^24 viewers without error.
    return np.rint(ones.T.astype(np.float32) @ others.astype(np.float32)).astype(np.int64)


def _diagonals(pairs: Ints, n_days: int) -> Ints:
    d = len(pairs)
    found = np.zeros((d, n_days + 1), np.int64)
    for n in range(min(n_days + 1, d)):
        found[: d - n, n] = np.diagonal(pairs, n)
    return found
