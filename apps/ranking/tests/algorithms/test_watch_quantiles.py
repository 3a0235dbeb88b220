"""Watch quantiles: interest without duration, and seconds back again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression

from apps.ranking.algorithms.watch_quantiles import NOTHING_WATCHED, fit


def world(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return interest, duration and watch seconds: a share of the duration that interest sets."""
    rng = np.random.default_rng(seed)
    interest, duration = rng.normal(size=n), np.exp(rng.normal(3.3, 0.8, n))
    share = 1 / (1 + np.exp(-(interest + 0.8 * rng.normal(size=n))))
    return interest, duration, share * duration


def test_quantile_of_a_view_is_its_place_among_those_as_long() -> None:
    # One bin: 0 … 200 s are at 0, 1/200 … 1
    quantiles = fit(np.arange(201.0), np.full(201, 30.0))
    asked = np.array([0.0, 50.0, 200.0, 999.0])
    np.testing.assert_allclose(quantiles.quantile(asked, np.full(4, 30.0)), [0, 0.25, 1, 1])


def test_ties_stand_in_their_middle() -> None:
    seconds = np.repeat([0.0, 10.0], [100, 101])
    quantiles = fit(seconds, np.full(201, 30.0))
    assert quantiles.quantile(np.array([0.0]), np.array([30.0]))[0] == pytest.approx(0.25, abs=0.01)


def test_unknown_seconds_have_no_quantile_and_unknown_durations_have_a_bin() -> None:
    seconds = np.concatenate([np.linspace(0, 10, 600), np.linspace(100, 110, 600), [np.nan]])
    duration = np.repeat([20.0, np.nan], [600, 601])
    quantiles = fit(seconds, duration)
    found = quantiles.quantile(np.array([5.0, 105.0, np.nan]), np.array([20, np.nan, np.nan]))
    np.testing.assert_allclose(found, [0.5, 0.5, np.nan], atol=0.01)


def test_nothing_known_expects_nothing() -> None:
    nothing = fit(np.array([np.nan]), np.array([10.0]))
    assert nothing is NOTHING_WATCHED
    assert nothing.back(np.array([0.7]), np.array([10.0])).tolist() == [0]


def test_typical_seconds_have_the_least_absolute_error() -> None:
    # Half the views stop at once, the others are spread: a mean of .5 is typical for nobody.
    rng = np.random.default_rng(0)
    actual = np.where(rng.random(4000) < 0.6, 0.05, rng.random(4000))
    expected = np.full(4000, actual.mean()) + 0.001 * rng.normal(size=4000)
    duration = np.full(4000, 30.0)
    quantiles = fit(np.linspace(0, 30, 4000), duration)
    seconds = quantiles.back(actual, duration)
    typical = quantiles.judged(expected, actual).typical_seconds(expected, duration)
    assert np.median(typical) == pytest.approx(0.05 * 30, abs=0.2)
    plain = quantiles.typical_seconds(expected, duration)
    assert np.abs(typical - seconds).mean() < 0.9 * np.abs(plain - seconds).mean()


def test_few_views_do_not_say_what_is_typical() -> None:
    quantiles = fit(np.linspace(0, 30, 400), np.full(400, 30.0))
    assert quantiles.judged(np.full(20, 0.4), np.full(20, 0.9)) is quantiles


@given(st.integers(0, 1000), st.integers(2, 3000))
def test_seconds_come_back_from_their_quantile(seed: int, n: int) -> None:
    _, duration, seconds = world(n, seed)
    quantiles = fit(seconds, duration)
    q = quantiles.quantile(seconds, duration)
    assert ((q >= 0) & (q <= 1)).all()
    back = quantiles.back(q.astype(float), duration)
    np.testing.assert_allclose(back, seconds, rtol=1e-3, atol=1e-2 + 1e-3 * seconds.max())


def test_learned_quantile_ranks_by_interest_where_learned_seconds_rank_by_duration() -> None:
    interest, duration, seconds = world(20_000, 0)
    quantiles = fit(seconds, duration)
    x = np.stack([interest + 0.3 * np.random.default_rng(1).normal(size=20_000), duration], axis=1)
    known, asked = slice(0, 15_000), slice(15_000, None)
    target = quantiles.quantile(seconds, duration)
    ranked = LinearRegression().fit(x[known], target[known]).predict(x[asked])
    raw = LinearRegression().fit(x[known], seconds[known]).predict(x[asked])
    assert spearmanr(ranked, interest[asked])[0] >= 0.75
    assert abs(spearmanr(ranked, duration[asked])[0]) <= 0.05
    assert spearmanr(raw, duration[asked])[0] > 0.5
    back = quantiles.back(ranked, duration[asked])
    assert np.abs(back - seconds[asked]).mean() <= np.abs(raw - seconds[asked]).mean()
