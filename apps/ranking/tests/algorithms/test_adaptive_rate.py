"""The learning rate: its formula to the digit, and its answer to the validation loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ranking.algorithms.adaptive_rate import BOUNDS, Multiplier, decayed_rate, moved


def after(losses: list[float], start: Multiplier | None = None) -> Multiplier:
    multiplier = start or Multiplier()
    for loss in losses:
        multiplier = moved(multiplier, loss)
    return multiplier


class TestDecayedRate:
    @pytest.mark.parametrize(
        ("step", "expected"), [(0, 0.01), (1, 0.01 / 1.5), (10_000, 0.01 / 5001)]
    )
    def test_it_is_the_formula(self, step: int, expected: float) -> None:
        assert decayed_rate(step, initial=0.01, decay=0.5, floor=0.0) == expected

    def test_it_stops_at_the_floor(self) -> None:
        assert decayed_rate(10_000, initial=0.01, decay=0.5, floor=1e-3) == 1e-3


class TestMultiplier:
    def test_falling_loss_raises_it(self) -> None:
        assert after(np.linspace(0.7, 0.5, 20).tolist()).value > 1.1

    def test_rising_loss_lowers_it_faster(self) -> None:
        rising = after(np.linspace(0.5, 0.7, 20).tolist()).value
        falling = after(np.linspace(0.7, 0.5, 20).tolist()).value
        assert rising < 0.6
        assert 1 / rising > falling

    def test_noise_without_a_trend_keeps_it_near_one(self) -> None:
        # A loss of .55 has a deviation of about .4 an example, .4/√512 = .018 a batch of 512.
        rng = np.random.default_rng(0)
        multiplier = Multiplier()
        values = []
        for loss in rng.normal(0.55, 0.018, 2000):
            multiplier = moved(multiplier, float(loss))
            values.append(multiplier.value)
        assert min(values) >= 0.5
        assert max(values) <= 2

    def test_a_jump_lowers_it_and_recovery_raises_it_again(self) -> None:
        calm = after([0.5] * 50)
        hurt = after([0.7] * 5, calm)
        assert hurt.value < 0.7 * calm.value
        lost = after([0.7] * 200, hurt)
        assert after(np.linspace(0.7, 0.5, 30).tolist(), lost).value > 1.1 * lost.value

    @given(st.lists(st.floats(0, 50), max_size=200))
    def test_it_never_leaves_its_bounds(self, losses: list[float]) -> None:
        assert BOUNDS[0] <= after(losses).value <= BOUNDS[1]
