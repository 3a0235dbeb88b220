"""What a canary's report means for its next step."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from apps.experiments.results import harmed
from apps.experiments.results import report as report_of
from apps.experiments.tests.test_results import make_observed, make_question
from apps.experiments.types import Arm, Comparison, Report
from apps.learning.algorithms.promotion import Verdict
from apps.learning.conf import RolloutParams
from apps.learning.rollout.judging import judge_canary

PARAMS = RolloutParams(step_ms=1000, margin=0.02)
PRIMARY = Comparison(
    metric="watch_seconds",
    label="Watch seconds per viewer",
    role="primary",
    variant="candidate",
    control=100.0,
    treatment=100.0,
    difference=0.0,
    low=-1.0,
    high=1.0,
    safe_low=-1.5,
    safe_high=1.5,
    p=1.0,
    p_adjusted=1.0,
    safe_p=1.0,
    variance_ratio=1.0,
    is_good=True,
)
BETTER = msgspec.structs.replace(PRIMARY, difference=5.0, safe_low=3.0, safe_high=7.0)


def report(*comparisons: Comparison, **given: Any) -> Report:
    fields = {"mismatch_p": 0.5, "is_withheld": False, "viewers": 400, **given}
    viewers = fields.pop("viewers")
    return Report(
        at_ms=0,
        verdict="",
        arms=[Arm("control", viewers, 0.5), Arm("candidate", viewers, 0.5)],
        crossed=0,
        forced=0,
        comparisons=list(comparisons),
        segments=[],
        **fields,
    )


def judged(found: Report | None, **given: Any) -> Verdict:
    asked = {"is_refresh": False, "is_last": True, "elapsed_ms": 1000, **given}
    return judge_canary(found, asked.pop("harm", []), PARAMS, **asked)


def test_guardrail_that_is_worse_fails_at_once() -> None:
    harm = [msgspec.structs.replace(PRIMARY, difference=-5.0, safe_low=-7.0, safe_high=-3.0)]
    verdict = judged(report(*harm), harm=harm, elapsed_ms=0, is_last=False)
    assert (verdict.state, verdict.reason) == ("failed", "Watch seconds per viewer is worse")


@pytest.mark.parametrize(
    ("found", "given", "reason"),
    [
        (None, {}, "nothing was counted yet"),
        (report(BETTER, is_withheld=True, mismatch_p=1e-6), {}, "viewers are not divided"),
        (report(BETTER, viewers=99), {}, "99 viewers in the smaller variant"),
        (report(BETTER), {"elapsed_ms": 999}, "the step has not had its time"),
        (report(PRIMARY), {}, "not better for certain yet"),
        (report(), {}, "the primary metric has no value yet"),
    ],
)
def test_what_is_not_known_decides_nothing(
    found: Report | None, given: dict[str, Any], reason: str
) -> None:
    verdict = judged(found, **given)
    assert verdict.state == "not enough data"
    assert reason in verdict.reason


def test_first_step_asks_only_for_no_harm() -> None:
    assert judged(report(PRIMARY), is_last=False).state == "passed"


def test_change_must_be_better_for_certain() -> None:
    assert judged(report(BETTER)).reason == "Watch seconds per viewer is better, by 5.0 %"


def test_refresh_must_be_no_worse_than_the_margin() -> None:
    assert judged(report(PRIMARY), is_refresh=True).state == "passed"  # at most 1.5 of 100
    wide = msgspec.structs.replace(PRIMARY, safe_low=-2.5)
    assert judged(report(wide), is_refresh=True).state == "not enough data"


def shares_promoted(**effect: float) -> tuple[float, float]:
    """Return which share of 40 simulated canaries is promoted, and which one is stopped."""
    question = make_question(guardrails=PARAMS.guardrails)
    states = []
    for seed in range(40):
        found = report_of(question, make_observed(1500, seed=seed, **effect), at_ms=0)
        states.append(judged(found, harm=harmed(found, PARAMS.guardrails)).state)
    return states.count("passed") / 40, states.count("failed") / 40


def test_equal_candidate_is_hardly_ever_promoted_and_a_better_one_mostly() -> None:
    # The always-valid interval errs in at most 5 %: 2 of 40 are expected at the most.
    assert shares_promoted()[0] <= 0.05
    assert shares_promoted(lift=1.1)[0] >= 0.8


def test_more_skips_stop_what_is_better_otherwise() -> None:
    assert shares_promoted(lift=1.1, skips=1.4) == (0, 1)


def test_numbers_are_relative_to_the_control() -> None:
    numbers = judged(report(BETTER)).numbers
    assert numbers["watch_seconds relative low"] == pytest.approx(0.03)
    assert numbers["viewers of candidate"] == 400
