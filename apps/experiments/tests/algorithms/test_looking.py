"""Looking at any time, planning before, and drafting a page."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from apps.experiments.algorithms import sequential
from apps.experiments.algorithms.power import Design, days_needed, power_at, viewers_needed
from apps.experiments.algorithms.team_draft import team_draft


class TestSequential:
    def test_p_value_is_the_mixture_by_integration(self) -> None:
        value, error, scale = 0.05, 0.02, 0.03

        def prior(d: float) -> float:
            return (stats.norm.pdf(d, 0, scale) + stats.norm.pdf(d, 0, 8 * scale)) / 2

        mixed, _ = integrate.quad(
            lambda d: stats.norm.pdf(value, d, error) * prior(d), -2, 2, points=[0, value]
        )
        ratio = mixed / stats.norm.pdf(value, 0, error)
        assert sequential.p_value(value, error, scale) == pytest.approx(1 / ratio, rel=1e-5)

    @pytest.mark.parametrize("alpha", [0.05, 0.001])
    @pytest.mark.parametrize("error", [0.5, 0.02, 1e-4])
    def test_interval_ends_where_the_p_value_is_alpha(self, alpha: float, error: float) -> None:
        half = sequential.half_width(error, 0.03, alpha)
        assert sequential.p_value(half, error, 0.03) == pytest.approx(alpha)
        assert half > stats.norm.ppf(1 - alpha / 2) * error

    def test_large_harm_is_found_long_before_small_ones_could_be(self) -> None:
        # Six standard errors, while what one looks for is a tenth of one.
        assert sequential.p_value(6.0, 1.0, 0.1) < 0.01

    def test_huge_difference_does_not_overflow(self) -> None:
        assert sequential.p_value(1e6, 1e-6, 1.0) < 1e-300

    def test_false_claims_stay_rare_with_a_look_after_every_day(self) -> None:
        # 500 runs of 20 looks without a difference. By Ville at most 5 %; naive looks claim 25 %.
        rng = np.random.default_rng(3)
        paths = np.cumsum(rng.normal(size=(500, 20)), axis=1) / np.arange(1, 21)
        errors = 1 / np.sqrt(np.arange(1, 21))
        half = [sequential.half_width(float(e), 0.3, 0.05) for e in errors]
        assert (np.abs(paths) > half).any(axis=1).mean() <= 0.05
        assert (np.abs(paths) > 1.96 * errors).any(axis=1).mean() > 0.15


class TestPower:
    DESIGN = Design(mean=100, deviation=100, effect=0.05)

    def test_viewers_by_hand(self) -> None:
        # 4·(1.95996 + 0.84162)²·100² / 5² = 12,558.2
        assert viewers_needed(self.DESIGN) == 12_559

    def test_power_there_is_the_power_asked_for(self) -> None:
        assert power_at(self.DESIGN, viewers_needed(self.DESIGN)) == pytest.approx(0.8, abs=1e-3)

    def test_cuped_at_three_quarters_halves_the_viewers(self) -> None:
        adjusted = Design(mean=100, deviation=100, effect=0.05, correlation=0.75)
        assert viewers_needed(adjusted) < viewers_needed(self.DESIGN) / 2

    def test_days_are_rounded_up(self) -> None:
        assert days_needed(1001, 100) == 11
        assert days_needed(1001, 0) is None

    def test_power_is_that_of_simulated_tests(self) -> None:
        rng, design = np.random.default_rng(1), Design(mean=1, deviation=1, effect=0.2)
        n = 400
        a, b = rng.normal(1, 1, (3000, n // 2)), rng.normal(1.2, 1, (3000, n // 2))
        found = (stats.ttest_ind(b, a, axis=1).pvalue < 0.05).mean()
        # Deviation of a share of 3,000 runs: .9 %.
        assert found == pytest.approx(power_at(design, n), abs=0.03)


class TestTeamDraft:
    A, B = np.arange(10), np.arange(20, 30)

    def test_sides_take_turns_in_rounds_of_two(self) -> None:
        draft = team_draft(self.A, self.B, 10, np.random.default_rng(0))
        assert draft.team.reshape(5, 2).sum(axis=1).tolist() == [1] * 5
        assert draft.items[draft.team == 0].tolist() == [0, 1, 2, 3, 4]
        assert draft.items[draft.team == 1].tolist() == [20, 21, 22, 23, 24]

    def test_no_item_comes_twice(self) -> None:
        draft = team_draft(self.A, self.A[::-1], 10, np.random.default_rng(1))
        assert sorted(draft.items.tolist()) == self.A.tolist()

    @pytest.mark.parametrize("length", [0, 1, 4, 99])
    def test_page_is_as_long_as_asked_while_there_is_something(self, length: int) -> None:
        draft = team_draft(self.A[:2], self.B[:1], length, np.random.default_rng(2))
        assert len(draft.items) == len(draft.team) == min(length, 3)

    def test_empty_side_passes(self) -> None:
        draft = team_draft(self.A[:3], self.B[:0], 3, np.random.default_rng(0))
        assert (draft.items.tolist(), draft.team.tolist()) == ([0, 1, 2], [0, 0, 0])

    def test_equal_lists_give_each_side_every_slot_equally_often(self) -> None:
        rng = np.random.default_rng(4)
        teams = np.array([team_draft(self.A, self.A, 10, rng).team for _ in range(2000)])
        # Deviation of a share of 2,000: 1.1 %.
        assert np.abs(teams.mean(axis=0) - 0.5).max() < 0.05
        assert math.isclose(teams.mean(), 0.5, abs_tol=1e-9)
