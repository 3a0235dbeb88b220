"""What a canary says of the version that some viewers are served (spec §6.3)."""

from __future__ import annotations

from collections.abc import Sequence

from apps.experiments.conf import LEAST_VIEWERS
from apps.experiments.types import Comparison, Report
from apps.learning.algorithms.promotion import State, Verdict
from apps.learning.conf import RolloutParams

GATE = "canary"


def judge_canary(
    report: Report | None,
    harm: Sequence[Comparison],
    params: RolloutParams,
    *,
    is_refresh: bool,
    is_last: bool,
    elapsed_ms: int,
) -> Verdict:
    """Say whether a step may be followed by the next, or by promotion where it is the last.

    A guardrail that is worse for certain fails at once. Any other step passes after its time, the
    last one by the primary metric: a change must be better for certain, a refresh no worse than by
    the margin for certain. All intervals are always valid, so that looking each minute is free.
    """
    numbers = _numbers(report)
    if harm:
        worse = ", ".join(f"{c.label} is {c.says}" for c in harm)
        return Verdict(GATE, State.FAILED, worse, numbers)
    if report is None:
        return Verdict(GATE, State.UNKNOWN, "nothing was counted yet", numbers)
    if report.is_withheld:
        reason = f"viewers are not divided as they should be (p = {report.mismatch_p:.1g})"
        return Verdict(GATE, State.UNKNOWN, reason, numbers)
    if (least := min(arm.viewers for arm in report.arms)) < LEAST_VIEWERS:
        reason = f"{least} viewers in the smaller variant, {LEAST_VIEWERS} are needed"
        return Verdict(GATE, State.UNKNOWN, reason, numbers)
    if elapsed_ms < params.step_ms:
        return Verdict(GATE, State.UNKNOWN, "the step has not had its time", numbers)
    if not is_last:
        return Verdict(GATE, State.PASSED, "no guardrail is worse for certain", numbers)
    return _by_primary(report, params, numbers, is_refresh=is_refresh)


def _by_primary(
    report: Report, params: RolloutParams, numbers: dict[str, float], *, is_refresh: bool
) -> Verdict:
    primary = next((c for c in report.comparisons if c.role == "primary"), None)
    if primary is None:
        return Verdict(GATE, State.UNKNOWN, "the primary metric has no value yet", numbers)
    if not is_refresh:
        if primary.says == "better":
            reason = f"{primary.label} is better, by {primary.percent or 0:.1f} %"
            return Verdict(GATE, State.PASSED, reason, numbers)
        return Verdict(GATE, State.UNKNOWN, "not better for certain yet", numbers)
    if _least(primary) > -params.margin * abs(primary.control):
        return Verdict(
            GATE, State.PASSED, f"at most {params.margin:.0%} worse, for certain", numbers
        )
    return Verdict(GATE, State.UNKNOWN, f"may still be over {params.margin:.0%} worse", numbers)


def _least(found: Comparison) -> float:
    """Return the least that the candidate may gain, by the always-valid interval."""
    return found.safe_low if found.is_good else -found.safe_high


def _numbers(report: Report | None) -> dict[str, float]:
    """Return viewers, sample ratio, and of primary metric and guardrails the relative interval."""
    if report is None:
        return {}
    found: dict[str, float] = {f"viewers of {arm.name}": arm.viewers for arm in report.arms}
    found["sample ratio p"] = report.mismatch_p
    for c in report.comparisons:
        if c.role != "secondary" and c.control:
            found[f"{c.metric} relative"] = c.difference / c.control
            found[f"{c.metric} relative low"] = c.safe_low / c.control
            found[f"{c.metric} relative high"] = c.safe_high / c.control
    return found
