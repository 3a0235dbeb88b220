"""Means, ratios and CUPED against scipy, hand-worked sums and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from apps.experiments.algorithms.cuped import adjust
from apps.experiments.algorithms.difference import difference, mean_of
from apps.experiments.algorithms.multiplicity import benjamini_hochberg, holm
from apps.experiments.algorithms.ratio import linearized
from apps.experiments.algorithms.sample_ratio import mismatch_p

RNG = np.random.default_rng(5)
CONTROL, TREATMENT = RNG.normal(3, 2, 400), RNG.normal(3.4, 1, 150)


class TestDifference:
    def test_is_that_of_welch(self) -> None:
        found = difference(CONTROL, TREATMENT)
        oracle = stats.ttest_ind(TREATMENT, CONTROL, equal_var=False)
        assert found is not None
        assert found.p_value() == pytest.approx(oracle.pvalue)
        interval = oracle.confidence_interval(0.95)
        assert found.interval(0.05) == pytest.approx((interval.low, interval.high))

    def test_one_mean_is_that_of_student(self) -> None:
        found = mean_of(CONTROL - 3)
        assert found is not None
        assert found.p_value() == pytest.approx(stats.ttest_1samp(CONTROL, 3).pvalue)

    @pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0, 2.0]])
    def test_nothing_is_said_of_too_little(self, values: list[float]) -> None:
        assert difference(np.array(values), np.array(values)) is None
        assert mean_of(np.array(values)) is None


class TestRatio:
    def test_mean_is_the_ratio(self) -> None:
        y, x = np.array([1.0, 0, 3]), np.array([2.0, 1, 5])
        # R = 4/8; x̄ = 8/3; viewer 0: ½ + (1 − ½·2)/(8/3) = ½
        assert linearized(y, x).tolist() == pytest.approx([0.5, 0.3125, 0.6875])
        assert linearized(y, x).mean() == pytest.approx(0.5)

    def test_variance_is_that_of_the_bootstrap(self) -> None:
        x = RNG.poisson(RNG.gamma(2, 5, 2000)).astype(float) + 1
        y = RNG.binomial(x.astype(int), RNG.beta(2, 3, 2000)).astype(float)
        again = RNG.integers(0, 2000, (2000, 2000))
        bootstrap = (y[again].sum(axis=1) / x[again].sum(axis=1)).std()
        error = linearized(y, x).std() / np.sqrt(2000)
        # 2,000 resamples know a deviation to 1.6 %; 6 % is nearly four of that.
        assert error == pytest.approx(bootstrap, rel=0.06)
        # Taking views for viewers would claim to know it far better.
        naive = np.sqrt(0.4 * 0.6 / x.sum())
        assert naive < 0.6 * error

    def test_no_views_are_no_ratio(self) -> None:
        assert linearized(np.zeros(3), np.zeros(3)).tolist() == [0, 0, 0]


class TestCuped:
    def test_variance_falls_by_the_squared_correlation(self) -> None:
        x = RNG.normal(size=20_000)
        y = 0.75 * x + np.sqrt(1 - 0.75**2) * RNG.normal(size=20_000)
        found = adjust([y[:10_000], y[10_000:]], [x[:10_000], x[10_000:]])
        assert found.variance_ratio == pytest.approx(1 - 0.75**2, abs=0.02)
        assert found.values[0].var() == pytest.approx(found.variance_ratio, abs=0.03)

    def test_theta_is_the_slope_of_the_regression(self) -> None:
        x = RNG.normal(size=60)
        y = 2 * x + RNG.normal(size=60)
        is_treated = np.arange(60) % 2
        found = adjust(
            [y[is_treated == 0], y[is_treated == 1]], [x[is_treated == 0], x[is_treated == 1]]
        )
        design = np.stack([np.ones(60), is_treated, x], axis=1)
        effect = np.linalg.lstsq(design, y)[0][1]
        assert found.values[1].mean() - found.values[0].mean() == pytest.approx(effect)

    def test_effect_does_not_enter_the_slope(self) -> None:
        x = RNG.normal(size=100)
        plain = adjust([x[:50], x[50:]], [x[:50], x[50:]])
        moved = adjust([x[:50], x[50:] + 100], [x[:50], x[50:]])
        assert moved.variance_ratio == pytest.approx(plain.variance_ratio, abs=1e-9)

    def test_nothing_known_before_changes_nothing(self) -> None:
        found = adjust([CONTROL, TREATMENT], [np.zeros(400), np.zeros(150)])
        assert found.variance_ratio == 1
        assert found.values[1] is TREATMENT


class TestMultiplicity:
    P = np.array([0.01, 0.04, 0.03, 0.005])

    def test_holm_by_hand(self) -> None:
        # sorted .005·4, .01·3, .03·2, .04·1 → .02, .03, .06, .06
        assert holm(self.P).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])

    def test_benjamini_hochberg_is_scipys(self) -> None:
        p = RNG.uniform(size=50) ** 2
        assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))

    def test_no_questions_have_no_answers(self) -> None:
        assert len(holm(np.empty(0))) == len(benjamini_hochberg(np.empty(0))) == 0


class TestSampleRatio:
    def test_is_the_chi_square_test(self) -> None:
        counts, shares = np.array([480, 530, 240]), np.array([0.4, 0.4, 0.2])
        oracle = stats.chisquare(counts, counts.sum() * shares).pvalue
        assert mismatch_p(counts, shares) == pytest.approx(oracle)

    def test_49_to_51_of_50000_is_caught(self) -> None:
        assert mismatch_p(np.array([24_500, 25_500]), np.array([0.5, 0.5])) < 1e-4

    def test_nobody_is_no_mismatch(self) -> None:
        assert mismatch_p(np.array([0, 0]), np.array([0.5, 0.5])) == 1
