"""The laws give probabilities, and move the way they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.events.types import EventType
from apps.simulation import laws
from apps.simulation.laws import Laws

LAW = Laws()
share = st.floats(0.0, 1.0)


@given(fraction=share, enjoyment=share, followed=st.booleans())
def test_action_chances_are_probabilities(
    fraction: float, enjoyment: float, followed: bool
) -> None:
    chances = laws.action_chances(
        LAW,
        fraction=np.array([fraction]),
        enjoyment=np.array([enjoyment]),
        is_followed=np.array([followed]),
    )
    assert all(0.0 <= chance[0] <= 1.0 for chance in chances.values())


def test_followed_creator_is_not_followed_again() -> None:
    ones = np.ones(2)
    chances = laws.action_chances(
        LAW, fraction=ones, enjoyment=ones, is_followed=np.array([True, False])
    )
    assert chances[EventType.FOLLOW].tolist() == pytest.approx([0.0, 0.035])


def test_watch_logit_of_a_worked_example() -> None:
    law = Laws(base=-1, taste=3, quality=0.5, followed=0.25, satiation=2, language=1, length=1)
    logit = laws.watch_logit(
        law,
        affinity=np.array([0.5]),
        quality=np.array([2.0]),
        satiation=np.array([0.1]),
        language_gap=np.array([0.4]),
        duration_seconds=np.array([20.0 * np.e]),
        is_followed=np.array([True]),
    )
    # −1 + 3·0.5 + 0.5·2 + 0.25 − 2·0.1 − 1·0.4 − 1·ln(e) = 0.15
    assert logit == pytest.approx([0.15])


@given(logit=st.floats(-20, 20), seed=st.integers(0, 99))
def test_watch_fraction_is_above_zero_and_at_most_one(logit: float, seed: int) -> None:
    fraction = laws.draw_watch_fraction(LAW, np.full(20, logit), np.random.default_rng(seed))
    assert np.all((fraction > 0) & (fraction <= 1))


def test_mean_watch_fraction_follows_the_logit() -> None:
    law = Laws(complete_at=1.0)
    fraction = laws.draw_watch_fraction(law, np.zeros(40_000), np.random.default_rng(0))
    # A Beta of mean ½ has σ ≤ ½; σ of the mean ≤ 0.0025, so 0.02 is 8 σ.
    assert fraction.mean() == pytest.approx(0.5, abs=0.02)


def test_skips_cost_patience_and_long_views_win_it_back() -> None:
    left = laws.patience_left(
        LAW,
        np.full(3, 5.0),
        is_long=np.array([True, False, False]),
        is_skip=np.array([False, False, True]),
    )
    # 5 − 0.6 + 0.5; 5 − 0.6; 5 − 0.6 − 1
    assert left.tolist() == pytest.approx([4.9, 4.4, 3.4])


@given(low=share, high=share)
def test_return_chance_rises_with_satisfaction(low: float, high: float) -> None:
    satisfaction = np.sort(np.array([low, high]))
    chance = laws.return_chance(LAW, activity=np.zeros(2), satisfaction=satisfaction)
    assert chance[0] <= chance[1]
