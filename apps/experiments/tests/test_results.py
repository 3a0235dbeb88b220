"""What results say of simulated viewers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.experiments.measures import Totals
from apps.experiments.results import Observed, Question, harmed, report
from apps.experiments.types import Comparison, Report

HALVES = np.array([0.5, 0.5])
GUARDRAILS = ("skip_rate", "report_rate")


def make_question(**given: Any) -> Question:
    fields: dict[str, Any] = {
        "arms": ("control", "new"),
        "shares": HALVES,
        "primary": "watch_seconds",
        "guardrails": GUARDRAILS,
        "minimum_effect": 0.05,
    }
    return Question(**{**fields, **given})


def make_observed(
    n: int = 4000, *, lift: float = 1.0, skips: float = 1.0, seed: int = 0, treated: float = 0.5
) -> Observed:
    """Return viewers whose watch time and views depend on how they were before."""
    rng = np.random.default_rng(seed)
    arm = (rng.random(n) < treated).astype(np.int64)
    habit = rng.gamma(4, 1, n)

    def period(is_after: bool) -> dict[str, np.ndarray]:
        change = np.where(is_after & (arm == 1), lift, 1.0)
        more = np.where(is_after & (arm == 1), skips, 1.0)
        views = rng.poisson(10 * habit).astype(float)
        zeros = np.zeros(n)
        return {
            "watch_seconds": 12 * views * change * rng.gamma(20, 0.05, n),
            "views": views,
            "long_views": rng.binomial(views.astype(int), 0.4).astype(float),
            "likes": rng.poisson(habit).astype(float),
            "skips": rng.binomial(views.astype(int), 0.2 * more).astype(float),
            "reports": rng.binomial(views.astype(int), 0.01).astype(float),
            "hides": zeros,
            "active_days": np.minimum(rng.poisson(habit), 14.0),
            "returned": (rng.random(n) < 0.5).astype(float),
        }

    return Observed(
        arm, Totals(period(is_after=True), period(is_after=False), np.zeros(len(arm), np.int8)), {}
    )


def of(found: Report, metric: str) -> Comparison:
    return next(c for c in found.comparisons if c.metric == metric)


def test_true_lift_is_found_and_named() -> None:
    found = report(make_question(), make_observed(lift=1.1), at_ms=1)
    watch = of(found, "watch_seconds")
    assert watch.says == "better"
    assert watch.relative == pytest.approx(0.1, abs=0.04)
    assert watch.safe_low < watch.low < watch.difference < watch.high < watch.safe_high
    assert "new is better" in found.verdict
    assert found.comparisons[0].role == "primary"


def test_without_a_lift_nothing_is_proven() -> None:
    found = report(make_question(), make_observed(), at_ms=1)
    assert "proven yet" in found.verdict
    assert all(not c.says for c in found.comparisons if c.role == "primary")


def test_habits_known_before_halve_the_variance() -> None:
    found = report(make_question(), make_observed(), at_ms=1)
    assert of(found, "watch_seconds").variance_ratio < 0.5


def test_undivided_viewers_withhold_the_verdict() -> None:
    found = report(make_question(), make_observed(lift=1.3, treated=0.6), at_ms=1)
    assert found.is_withheld
    assert found.verdict.startswith("Withheld")
    assert harmed(found, GUARDRAILS) == []


def test_worse_guardrail_is_harm_and_a_better_one_is_none() -> None:
    worse = report(make_question(), make_observed(skips=1.2), at_ms=1)
    assert [c.metric for c in harmed(worse, GUARDRAILS)] == ["skip_rate"]
    better = report(make_question(), make_observed(skips=0.8), at_ms=1)
    assert of(better, "skip_rate").says == "better"
    assert harmed(better, GUARDRAILS) == []


def test_primary_metric_can_be_a_guardrail_too() -> None:
    found = report(make_question(), make_observed(lift=0.8), at_ms=1)
    assert "watch_seconds" in [c.metric for c in harmed(found, ("watch_seconds",))]
    assert harmed(found, ()) == []


def test_few_viewers_stop_nothing() -> None:
    found = report(make_question(), make_observed(150, skips=3.0), at_ms=1)
    assert found.verdict.startswith("Collecting")
    assert harmed(found, GUARDRAILS) == []


def test_secondary_p_values_are_raised_for_their_number() -> None:
    found = report(make_question(), make_observed(), at_ms=1)
    secondary = [c for c in found.comparisons if c.role == "secondary"]
    least = min(secondary, key=lambda c: c.p)
    assert least.p_adjusted == pytest.approx(min(least.p * len(secondary), 1))


def test_more_variants_share_the_error() -> None:
    two = make_question()
    three = make_question(arms=("control", "a", "b"), shares=np.full(3, 1 / 3))
    assert three.alpha("primary") == two.alpha("primary") / 2
    assert two.alpha("guardrail") == two.alpha("primary") / 2


def test_segments_are_judged_where_they_are_large_enough() -> None:
    observed = make_observed(2000, lift=1.2)
    first = np.arange(2000) < 1000
    segments = {"language en": first, "language fr": np.arange(2000) < 50}
    made = Observed(observed.arm, observed.totals, segments)
    found = report(make_question(), made, at_ms=1).segments
    assert [segment.name for segment in found] == ["language en"]
    assert found[0].viewers == 1000
    assert found[0].p_adjusted < 0.01


def test_nobody_is_a_report_too() -> None:
    nobody = make_observed(0)
    found = report(make_question(), nobody, at_ms=1)
    assert (found.comparisons, found.mismatch_p) == ([], 1.0)
    assert found.verdict.startswith("Collecting: 0 viewers")
