"""Bursts stand out from a content's past, the platform's traffic and our own feed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from apps.features.algorithms.bursts import (
    Bucket,
    BurstParams,
    BurstState,
    is_burst,
    step,
    upper_tail,
)

PARAMS = BurstParams()
N = 200
EVERYWHERE = np.ones(N, np.bool_)


def bucket(viewers: np.ndarray, shown: np.ndarray | None = None) -> Bucket:
    return Bucket(viewers, np.zeros(N) if shown is None else shown, EVERYWHERE)


def learned(rng: np.random.Generator, *, mean: float = 6, shown: float = 0) -> BurstState:
    """Return the state after three days of ordinary hours."""
    state = BurstState.empty(N)
    for _ in range(72):
        exposures = rng.poisson(shown, N).astype(float)
        state, _, _ = step(state, bucket(rng.poisson(mean, N).astype(float), exposures), PARAMS)
    return state


def burst_of(state: BurstState, found: Bucket) -> list[int]:
    _, chance, _ = step(state, found, PARAMS)
    return np.flatnonzero(is_burst(chance, found.viewers, PARAMS)).tolist()


@given(st.integers(1, 60), st.floats(0.1, 30), st.floats(0.5, 50))
def test_tail_is_that_of_scipys_negative_binomial(k: int, mean: float, shape: float) -> None:
    found = upper_tail(np.array([float(k)]), np.array([mean]), np.array([shape]))

    assert found == pytest.approx([stats.nbinom.sf(k - 1, shape, shape / (shape + mean))], abs=1e-9)


def test_content_that_leaps_bursts_and_nothing_else_does() -> None:
    rng = np.random.default_rng(0)
    state = learned(rng)
    viewers = rng.poisson(6, N).astype(float)
    viewers[17] = 60

    assert burst_of(state, bucket(viewers)) == [17]


def test_surge_of_the_whole_platform_lifts_nobody() -> None:
    rng = np.random.default_rng(1)
    state = learned(rng)

    assert burst_of(state, bucket(rng.poisson(6 * 4, N).astype(float))) == []


def test_what_our_feed_shows_more_is_engaged_with_more_and_no_trend() -> None:
    rng = np.random.default_rng(2)
    state = learned(rng, shown=20)
    viewers, shown = rng.poisson(6, N).astype(float), rng.poisson(20, N).astype(float)
    viewers[17] = 60

    assert burst_of(state, bucket(viewers, shown)) == [17]
    shown[17] = 200
    assert burst_of(state, bucket(viewers, shown)) == []


def test_few_viewers_are_never_a_burst() -> None:
    state = learned(np.random.default_rng(3), mean=0.01)
    viewers = np.zeros(N)
    viewers[17] = PARAMS.least - 1

    assert burst_of(state, bucket(viewers)) == []


def test_burst_does_not_become_its_own_baseline_at_once() -> None:
    rng = np.random.default_rng(4)
    state = learned(rng)
    found = []
    for _ in range(6):
        viewers = rng.poisson(6, N).astype(float)
        viewers[17] = 60
        found.append(burst_of(state, bucket(viewers)))
        state, _, _ = step(state, bucket(viewers), PARAMS)

    assert found == [[17]] * 6


def test_hour_without_anybody_changes_no_share() -> None:
    state = learned(np.random.default_rng(5))
    after, chance, _ = step(state, bucket(np.zeros(N)), PARAMS)

    assert (chance == 1).all()
    share = state.viewers / state.traffic
    assert after.viewers / after.traffic == pytest.approx(share)
