"""Shifts, orders and weighted losses, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from apps.learning.algorithms.promotion import State
from apps.learning.algorithms.shadow import (
    judge_off_policy,
    judge_shift,
    order_kept,
    stability_index,
)

RNG = np.random.default_rng(0)
FINE = {"order kept": 0.9, "times as slow": 1.0}


class TestStabilityIndex:
    def test_same_sample_has_not_shifted(self) -> None:
        x = RNG.normal(size=1000)
        assert stability_index(x, x) == 0

    def test_two_halves_that_swap_weights(self) -> None:
        before = np.repeat([0.0, 1.0], [80, 20])
        after = np.repeat([0.0, 1.0], [20, 80])
        # (.2 − .8) ln(.2/.8) + (.8 − .2) ln(.8/.2) = 1.2 ln 4
        assert stability_index(before, after) == pytest.approx(1.2 * np.log(4), rel=1e-3)

    def test_shift_by_a_deviation_is_large(self) -> None:
        x = RNG.normal(size=5000)
        assert stability_index(x, x + 1) > 0.25

    def test_constant_scores_have_an_index(self) -> None:
        assert stability_index(np.zeros(50), np.zeros(20)) == 0


class TestOrderKept:
    def test_groups_count_alike_and_small_ones_not(self) -> None:
        group = np.array([0, 0, 0, 1, 1, 1, 2, 2])
        one = np.array([1.0, 2, 3, 1, 2, 3, 1, 2])
        other = np.array([1.0, 2, 3, 3, 2, 1, 2, 1])
        assert order_kept(one, other, group) == 0  # (1 − 1) / 2

    def test_one_swap_of_four(self) -> None:
        ranks = np.array([1.0, 2, 3, 4])
        swapped = np.array([1.0, 2, 4, 3])
        # 1 − 6 · 2 / (4 · 15)
        assert order_kept(ranks, swapped, np.zeros(4, np.int64)) == pytest.approx(0.8)

    def test_without_a_large_group_it_is_not_known(self) -> None:
        assert np.isnan(order_kept(np.ones(2), np.ones(2), np.zeros(2, np.int64)))


class TestJudgeShift:
    def test_plausible_scores_pass(self) -> None:
        assert judge_shift(FINE, is_finite=True, is_refresh=True).state == State.PASSED

    def test_slow_or_broken_scores_fail(self) -> None:
        slow = judge_shift({**FINE, "times as slow": 4.0}, is_finite=False, is_refresh=True)
        assert slow.state == State.FAILED
        assert slow.reason == "scores are not finite; over 3 times as slow as production"

    @pytest.mark.parametrize(("is_refresh", "state"), [(True, "failed"), (False, "passed")])
    def test_only_a_change_may_order_otherwise(self, is_refresh: bool, state: str) -> None:
        numbers = {**FINE, "order kept": 0.0}
        assert judge_shift(numbers, is_finite=True, is_refresh=is_refresh).state == state


class TestJudgeOffPolicy:
    def test_explored_slots_weigh_as_they_were_rare(self) -> None:
        # 300 sure slots at −.1, 100 explored by chance ½ at +.2: (−30 + 2 · 20) / (300 + 200)
        gain = np.repeat([-0.1, 0.2], [300, 100])
        verdict = judge_off_policy(gain, np.repeat([1.0, 0.5], [300, 100]))
        assert verdict.numbers["loss less than production's"] == pytest.approx(10 / 500)
        assert verdict.state == State.PASSED

    def test_loss_that_rises_for_certain_fails(self) -> None:
        gain = -0.5 + RNG.normal(0, 0.1, 1000)
        propensity = RNG.uniform(0.2, 1, 1000)
        assert judge_off_policy(gain, propensity).state == State.FAILED

    def test_without_exploration_nothing_is_said(self) -> None:
        verdict = judge_off_policy(np.ones(1000), np.ones(1000))
        assert verdict.state == State.UNKNOWN
        assert verdict.reason == "nothing was explored: every propensity is 1"

    def test_few_that_carry_the_weight_are_refused(self) -> None:
        verdict = judge_off_policy(np.ones(150), np.full(150, 0.5))
        assert verdict.reason == "the effective sample size is 150, 200 are needed"
