"""Buckets: stable, even, and independent between salts."""

from __future__ import annotations

import uuid

import numpy as np
from scipy import stats

from apps.experiments.algorithms.assignment import (
    N_BUCKETS,
    bucket,
    buckets,
    shares,
    upper_bounds,
)

UNITS = [uuid.UUID(int=i).bytes for i in range(100_000)]
# A false alarm once in ten thousand code changes; the goal itself asks for p > .01.
LEAST_P = 0.01


def test_bucket_of_a_viewer_is_known_for_ever() -> None:
    # Stored experiments would divide their viewers anew if these ever changed.
    assert [bucket("salt", unit) for unit in UNITS[:4]] == [7365, 1230, 9437, 5770]


def test_many_at_once_are_as_one_by_one() -> None:
    assert buckets("s", UNITS[:200]).tolist() == [bucket("s", unit) for unit in UNITS[:200]]
    assert buckets("s", []).tolist() == []


def test_buckets_are_uniform() -> None:
    found = buckets("a", UNITS)
    assert stats.kstest(found / N_BUCKETS, "uniform").pvalue > LEAST_P
    assert stats.chisquare(np.bincount(found // 100, minlength=100)).pvalue > LEAST_P


def test_experiments_are_independent() -> None:
    table = np.zeros((10, 10))
    np.add.at(table, (buckets("a", UNITS) // 1000, buckets("b", UNITS) // 1000), 1)
    assert stats.chi2_contingency(table).pvalue > LEAST_P


def test_shares_are_those_of_the_weights() -> None:
    assert upper_bounds([1, 1]) == (5000, 10_000)
    assert upper_bounds([1, 1, 1]) == (3333, 6666, 10_000)
    assert shares(upper_bounds([1, 3])).tolist() == [0.25, 0.75]
