"""What an experiment says: differences with intervals, and whether they may be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from apps.experiments.algorithms import multiplicity
from apps.experiments.algorithms.cuped import Adjusted, adjust
from apps.experiments.algorithms.difference import difference
from apps.experiments.algorithms.ratio import Floats, linearized
from apps.experiments.algorithms.sample_ratio import mismatch_p
from apps.experiments.comparing import Sides, compare
from apps.experiments.conf import ALPHA, LEAST_VIEWERS, MISMATCH_ALPHA
from apps.experiments.measures import Totals
from apps.experiments.metrics import METRICS, Metric
from apps.experiments.types import Arm, Comparison, Report, Segment


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the totals of m viewers."""

    arms: Sequence[str]  # names of the variants, the control first
    shares: Floats  # [k] that they should have
    primary: str
    guardrails: Sequence[str]
    minimum_effect: float  # relative

    def role(self, metric: str) -> str:
        """Return what a metric is asked for."""
        if metric == self.primary:
            return "primary"
        return "guardrail" if metric in self.guardrails else "secondary"

    def alpha(self, role: str) -> float:
        """Return the chance of a false claim that one comparison of a role may have.

        Divided among the variants that the control is compared with, and among the guardrails,
        any of which may stop the experiment.
        """
        n_guardrails = max(len([g for g in self.guardrails if g != self.primary]), 1)
        return ALPHA / (len(self.arms) - 1) / (n_guardrails if role == "guardrail" else 1)


@dataclass(frozen=True, slots=True)
class Observed:
    """m viewers of an experiment."""

    arm: NDArray[np.int64]  # [m] index of the variant
    totals: Totals
    segments: dict[str, NDArray[np.bool_]]  # name → bool[m]
    crossed: int = 0
    forced: int = 0


def report(question: Question, observed: Observed, *, at_ms: int) -> Report:
    """Return all that is known, as of `at_ms`."""
    counts = np.bincount(observed.arm, minlength=len(question.arms))
    p = mismatch_p(counts, question.shares)
    comparisons = _comparisons(question, observed)
    arms = [
        Arm(name, int(n), float(share))
        for name, n, share in zip(question.arms, counts, question.shares, strict=True)
    ]
    return Report(
        at_ms=at_ms,
        verdict=_verdict(question, arms, p, comparisons),
        arms=arms,
        mismatch_p=p,
        is_withheld=p < MISMATCH_ALPHA,
        crossed=observed.crossed,
        forced=observed.forced,
        comparisons=comparisons,
        segments=_segments(question, observed),
    )


def harmed(found: Report, guardrails: Sequence[str]) -> list[Comparison]:
    """Return guardrails that are worse for certain; none while the report cannot be believed.

    The primary metric may be one of them.
    """
    if found.is_withheld or min(arm.viewers for arm in found.arms) < LEAST_VIEWERS:
        return []
    return [c for c in found.comparisons if c.metric in guardrails and c.says == "worse"]


def _verdict(
    question: Question, arms: Sequence[Arm], p: float, comparisons: Sequence[Comparison]
) -> str:
    if p < MISMATCH_ALPHA:
        return (
            f"Withheld: viewers are not divided as they should be (p = {p:.1g}). "
            "Something counts one variant's viewers differently; find it before reading on."
        )
    if (least := min(arm.viewers for arm in arms)) < LEAST_VIEWERS:
        return f"Collecting: {least} viewers in the smallest variant, {LEAST_VIEWERS} are needed."
    proven = [c for c in comparisons if c.role == "primary" and c.says]
    if not proven:
        return f"No difference in {METRICS[question.primary].label.lower()} is proven yet."
    return " ".join(
        f"{c.variant} is {c.says}: {c.label.lower()} {_signed(c)}, however often one looks."
        for c in proven
    )


def _signed(comparison: Comparison) -> str:
    relative = comparison.relative
    return f"{comparison.difference:+.3g}" if relative is None else f"{relative:+.1%}"


def _comparisons(question: Question, observed: Observed) -> list[Comparison]:
    found = []
    for metric in METRICS.values():
        means, adjusted = _values(metric, observed, np.ones(len(observed.arm), np.bool_), question)
        for k in range(1, len(question.arms)):
            made = _comparison(question, metric, k, means, adjusted)
            if made is not None:
                found.append(made)
    return _with_holm(found)


def _values(
    metric: Metric, observed: Observed, among: NDArray[np.bool_], question: Question
) -> tuple[list[float], Adjusted]:
    """Return the metric by variant, and the values of its viewers after CUPED."""
    since, before = observed.totals.since, observed.totals.before
    values, covariates, means = [], [], []
    for k in range(len(question.arms)):
        mine = among & (observed.arm == k)
        y, x = since[metric.numerator][mine], before[metric.numerator][mine]
        if metric.denominator:
            weight = since[metric.denominator][mine]
            y = linearized(y, weight)
            # One ratio for all variants: their own would take the covariate's chance away.
            pre = before[metric.numerator][among], before[metric.denominator][among]
            x = x - pre[0].sum() / max(pre[1].sum(), 1) * before[metric.denominator][mine]
        means.append(float(y.mean()) if len(y) else 0.0)
        values.append(y)
        covariates.append(x)
    return means, adjust(values, covariates)


def _comparison(
    question: Question, metric: Metric, k: int, means: Sequence[float], adjusted: Adjusted
) -> Comparison | None:
    found = difference(adjusted.values[0], adjusted.values[k])
    if found is None:
        return None
    role = question.role(metric.name)
    made = compare(
        found,
        metric,
        Sides(role, question.arms[k], means[0], means[k]),
        scale=question.minimum_effect * abs(means[0]),
        alpha=question.alpha(role),
    )
    return msgspec.structs.replace(made, variance_ratio=adjusted.variance_ratio)


def _with_holm(found: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons, primary first, with the secondary p-values adjusted."""
    secondary = [c for c in found if c.role == "secondary"]
    raised = multiplicity.holm(np.array([c.p for c in secondary]))
    adjusted = [
        msgspec.structs.replace(c, p_adjusted=float(p))
        for c, p in zip(secondary, raised, strict=True)
    ]
    by_role = [[c for c in found if c.role == role] for role in ("primary", "guardrail")]
    return [*by_role[0], *by_role[1], *adjusted]


def _segments(question: Question, observed: Observed) -> list[Segment]:
    metric, found = METRICS[question.primary], []
    for name, among in observed.segments.items():
        counts = np.bincount(observed.arm[among], minlength=len(question.arms))
        if counts.min() < LEAST_VIEWERS:
            continue
        _, adjusted = _values(metric, observed, among, question)
        for k in range(1, len(question.arms)):
            between = difference(adjusted.values[0], adjusted.values[k])
            if between is None:
                continue
            low, high = between.interval(ALPHA)
            viewers = int(counts[0] + counts[k])
            found.append(
                Segment(
                    name, question.arms[k], viewers, between.value, low, high, between.p_value()
                )
            )
    raised = multiplicity.benjamini_hochberg(np.array([s.p_adjusted for s in found]))
    return [
        msgspec.structs.replace(s, p_adjusted=float(p)) for s, p in zip(found, raised, strict=True)
    ]
