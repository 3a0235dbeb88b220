"""Bursts: counts that neither a content's own past, the platform nor our feed explain (spec §9.3).

Each content has a share of the platform's engaged viewers, learned with forward decay as the mean
of a gamma distribution. What a bucket should bring is then a negative binomial, whose upper tail
says how surprising the count is. The platform's total of the same bucket is divided out, so that a
busy hour lifts nobody; so are exposures, because what our own feed shows more is engaged with more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BurstParams:
    """What counts as a burst."""

    half_life: float = 168.0  # buckets, of what is known of a content's share
    prior: float = 2.0  # viewers that the mean share of all contents counts for in each
    shape: float = 8.0  # of the distribution, until the platform's own is known
    tail: float = 1e-5  # chance under which a count is a burst
    least: float = 8.0  # viewers; fewer are never a burst
    rate_prior: float = 50.0  # exposures that the mean engagement rate counts for


@dataclass(frozen=True, slots=True)
class BurstState:
    """What is known of n contents: float64[n], sums decayed as of the last bucket."""

    viewers: Floats  # Σ engaged viewers, bursts cut
    traffic: Floats  # Σ of the platform's engaged viewers since the content is known
    shown: Floats  # Σ viewers whom our feed showed it
    engaged_shown: Floats  # Σ engaged viewers of the buckets in which our feed showed it
    spread: Floats  # [2] Σ excess variance and Σ squared means, of all contents together

    @classmethod
    def empty(cls, n: int) -> BurstState:
        """Return the state of n contents of which nothing is known."""
        return cls(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(2))


@dataclass(frozen=True, slots=True)
class Bucket:
    """What one bucket of time brought to n contents."""

    viewers: Floats  # [n] distinct engaged viewers
    shown: Floats  # [n] distinct viewers whom our feed showed it
    is_out: Flags  # [n] the content was there


def step(
    state: BurstState, bucket: Bucket, params: BurstParams
) -> tuple[BurstState, Floats, Floats]:
    """Judge one bucket by the state before it, and learn from it.

    Returns the new state, the chance of a count as high float64[n] in (0, 1], and the expected
    count float64[n]. A burst teaches no more than the upper end of what was expected, so that it
    does not become its own baseline at once. O(n).
    """
    count = bucket.viewers
    expected, shape = _expected(state, bucket, params)
    chance = np.where(count > 0, upper_tail(count, expected, shape), 1.0)
    most = expected + 3 * np.sqrt(expected + expected**2 / shape) + 1
    learned = np.minimum(count, most)
    spread = _spread(learned, expected, known=state.traffic > 0, least=params.prior)
    keep = 0.5 ** (1 / params.half_life)
    by_feed = bucket.shown > 0
    after = BurstState(
        viewers=state.viewers * keep + learned,
        traffic=state.traffic * keep + np.where(bucket.is_out, learned.sum(), 0.0),
        shown=state.shown * keep + bucket.shown,
        engaged_shown=state.engaged_shown * keep + np.where(by_feed, learned, 0.0),
        spread=state.spread * keep + spread,
    )
    return after, chance, expected


def is_burst(chance: Floats, count: Floats, params: BurstParams) -> Flags:
    """Say which counts are too high to be chance, bool[n]."""
    return (chance < params.tail) & (count >= params.least)


def upper_tail(count: Floats, mean: Floats, shape: Floats) -> Floats:
    """Return P(X ≥ count) of negative binomials with these means and shapes, float64[n].

    P(X ≥ k) = I_{m/(m+r)}(k, r), the regularized incomplete beta function; count > 0.
    """
    return np.asarray(betainc(np.maximum(count, 1e-12), shape, mean / (mean + shape)), np.float64)


def _expected(state: BurstState, bucket: Bucket, params: BurstParams) -> tuple[Floats, Floats]:
    """Return what the bucket should bring and how certain that is, both float64[n].

    The platform's traffic of the bucket is the sum of counts, each cut at eight times (and 20
    more than) what the content's share of it would be, so that one burst is not the platform.
    """
    count, n_out = bucket.viewers, max(int(bucket.is_out.sum()), 1)
    known = state.traffic > 0
    # Gamma prior: mean share 1/n, worth `prior` viewers.
    share = (state.viewers + params.prior) / (state.traffic + params.prior * n_out)
    share = np.where(known, share, 1 / n_out)
    traffic = np.minimum(count, 8 * share * count.sum() + 20).sum()
    shape = np.minimum(state.viewers + params.prior, _shape(state, params))
    rate = _rate(state, params)
    return np.maximum(np.maximum(share * traffic, rate * bucket.shown), 1e-9), shape


def _shape(state: BurstState, params: BurstParams) -> float:
    """Return the shape that all contents' counts show, by moments: Σ m² / Σ ((x − m)² − m)."""
    excess, squares = state.spread + np.array([1.0, params.shape])
    return float(np.clip(squares / max(excess, 1e-9), 0.5, 50.0))


def _spread(count: Floats, mean: Floats, *, known: Flags, least: float) -> Floats:
    """Return Σ ((x − m)² − m) and Σ m² over contents with a mean that says something."""
    judged = known & (mean >= least)
    count, mean = count[judged], mean[judged]
    return np.array([((count - mean) ** 2 - mean).sum(), (mean**2).sum()])


def _rate(state: BurstState, params: BurstParams) -> Floats:
    """Return the engaged viewers per exposure of each content, smoothed by that of all."""
    overall = state.engaged_shown.sum() / max(state.shown.sum(), 1.0)
    return (state.engaged_shown + params.rate_prior * overall) / (state.shown + params.rate_prior)
