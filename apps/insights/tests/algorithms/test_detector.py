"""The detector: by hand, its invariances, and its edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.insights.algorithms.detector import Series, beyond, judge
from apps.insights.algorithms.rules import Rule, verdict

WEEK = 7 * 24


def hourly(amount: np.ndarray, volume: np.ndarray | None = None) -> Series:
    is_count = volume is None
    return Series(
        amount=amount.astype(float),
        volume=(amount if volume is None else volume).astype(float),
        is_count=is_count,
        is_share=not is_count,
        season=WEEK,
        around=0,
        day=24,
    )


def rhythm(weeks: int = 6, high: float = 1000.0) -> np.ndarray:
    """Return counts of a day's rhythm, the same each week."""
    hour = np.arange(weeks * WEEK) % 24
    return np.round(high * (0.55 + 0.45 * np.sin(2 * np.pi * (hour - 14) / 24)))


class TestJudge:
    def test_a_ratio_is_compared_with_the_median_week(self) -> None:
        # Weeks say 10, 20 and 30 of 100 at this hour; the median is .2, the MAD .1.
        amount, volume = np.zeros(3 * WEEK + 1), np.zeros(3 * WEEK + 1)
        amount[[0, WEEK, 2 * WEEK]], volume[::WEEK] = [10, 20, 30], 100
        amount[-1] = 60

        found = judge(hourly(amount, volume), 3 * WEEK, minimum_volume=50)

        assert found.expected == pytest.approx(0.2)
        assert found.score == pytest.approx((0.6 - 0.2) / (1.4826 * 0.1))

    def test_what_so_few_may_show_by_chance_scores_little(self) -> None:
        # All weeks say .2 of 100, so that only chance is left: sqrt(.2 · .8 / 100) = .04.
        amount, volume = np.full(3 * WEEK + 1, 20.0), np.full(3 * WEEK + 1, 100.0)
        amount[-1] = 28

        assert judge(hourly(amount, volume), 3 * WEEK, minimum_volume=50).score == pytest.approx(2)

    def test_night_is_no_alarm_and_a_quiet_noon_is(self) -> None:
        counts = rhythm()
        series = hourly(counts)
        night = int(np.argmin(counts[-24:])) + len(counts) - 24

        assert abs(judge(series, night, minimum_volume=50).score) < 0.01
        counts[-6:] = counts[night]
        assert judge(hourly(counts), len(counts) - 1, minimum_volume=50).score < -5

    def test_a_count_of_none_is_judged_though_it_has_no_volume(self) -> None:
        counts = rhythm()
        counts[-1] = 0

        found = judge(hourly(counts), len(counts) - 1, minimum_volume=50)

        assert found.value == 0
        assert found.score < -20

    def test_growth_of_the_whole_day_is_expected(self) -> None:
        counts = rhythm()
        counts[-26:] = counts[-26:] * 1.5

        found = judge(hourly(counts), len(counts) - 1, minimum_volume=50)

        assert found.expected == pytest.approx(counts[-1], rel=0.01)

    @pytest.mark.parametrize("weeks", [1, 2, 3])
    def test_nothing_is_usual_before_three_weeks(self, weeks: int) -> None:
        found = judge(hourly(rhythm(weeks)), weeks * WEEK - 1, minimum_volume=1)
        assert np.isnan(found.score)

    def test_too_few_say_nothing(self) -> None:
        amount, volume = np.full(5 * WEEK, 4.0), np.full(5 * WEEK, 20.0)
        assert np.isnan(judge(hourly(amount, volume), 5 * WEEK - 1, minimum_volume=50).score)

    @given(st.floats(0.01, 100))
    def test_a_ratio_of_no_known_error_scores_the_same_in_any_unit(self, unit: float) -> None:
        rng = np.random.default_rng(0)
        amount, volume = rng.uniform(50, 90, 5 * WEEK), np.full(5 * WEEK, 100.0)
        series, scaled = (
            Series(a, volume, False, False, WEEK, 2, 24) for a in (amount, amount * unit)
        )
        one = judge(series, 5 * WEEK - 1, minimum_volume=1).score
        assert judge(scaled, 5 * WEEK - 1, minimum_volume=1).score == pytest.approx(one)

    def test_an_incident_of_last_week_does_not_move_what_is_expected(self) -> None:
        counts = rhythm()
        before = judge(hourly(counts), len(counts) - 1, minimum_volume=50).expected
        counts[-WEEK - 1] = 0
        after = judge(hourly(counts), len(counts) - 1, minimum_volume=50).expected
        assert after == pytest.approx(before, rel=0.001)


class TestVerdict:
    RULE = Rule("threshold", "above", threshold=10, minimum_volume=1, ticks=2)

    def of(self, *values: float, rule: Rule | None = None) -> str:
        value = np.array([0.0, 0.0, *values])
        series = Series(np.nan_to_num(value), np.isfinite(value) * 1.0, False, False, WEEK, 0, 24)
        return verdict(rule or self.RULE, series, len(value) - 1).state

    def test_one_bad_step_is_no_alarm(self) -> None:
        assert self.of(5, 20) == "unknown"
        assert self.of(20, 20) == "bad"

    def test_it_is_well_again_only_clearly_on_the_good_side(self) -> None:
        assert self.of(9.5, 9.5) == "unknown"
        assert self.of(8, 8) == "well"

    def test_without_a_value_an_open_alert_stays_open(self) -> None:
        assert self.of(np.nan, np.nan) == "unknown"

    def test_missing_speaks_of_no_value_and_is_well_with_one(self) -> None:
        rule = Rule("missing", ticks=2)
        assert self.of(np.nan, np.nan, rule=rule) == "bad"
        assert self.of(np.nan, 3, rule=rule) == "well"

    def test_missing_events_matter_only_where_there_usually_are_some(self) -> None:
        rule = Rule("missing", minimum_volume=50, ticks=2)
        counts = rhythm()
        counts[-2:] = 0
        assert verdict(rule, hourly(counts), len(counts) - 1).state == "bad"
        quiet = rhythm(high=10)
        quiet[-2:] = 0
        assert verdict(rule, hourly(quiet), len(quiet) - 1).state == "unknown"

    def test_too_short_a_series_says_nothing(self) -> None:
        assert verdict(self.RULE, hourly(np.array([99.0])), 0).state == "unknown"

    @pytest.mark.parametrize(("direction", "is_bad"), [("below", True), ("above", False)])
    def test_only_the_named_direction_is_bad(self, direction: str, is_bad: bool) -> None:
        counts = rhythm()
        counts[-1] = 0
        judged = judge(hourly(counts), len(counts) - 1, minimum_volume=50)
        assert beyond(judged, k=4, relative=0.1, direction=direction) is is_bad
