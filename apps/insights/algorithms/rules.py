"""Whether a rule speaks: judged step by step, opened and closed with hysteresis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from apps.insights.algorithms.detector import Judged, Series, beyond, judge

Kind = Literal["threshold", "seasonal", "missing"]
Direction = Literal["above", "below", "either"]

_WELL = 0.5  # of k: nearer than this a metric is well again
_CLEAR = 0.1  # of the threshold: so far on the good side


@dataclass(frozen=True, slots=True)
class Rule:
    """When one metric is bad; the fields are those of `AlertRule`."""

    kind: Kind
    direction: Direction = "either"
    threshold: float = 5.0  # the value; seasonal: k
    relative: float = 0.1  # seasonal: least relative difference
    minimum_volume: float = 50
    ticks: int = 2  # in a row


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of the latest step."""

    state: Literal["bad", "well", "unknown"]  # unknown: neither, an open alert stays open
    value: float  # NaN: none
    expected: float  # NaN: nothing to compare with


def verdict(rule: Rule, series: Series, at: int) -> Verdict:
    """Return what the rule says after step `at`: bad or well only after `ticks` steps in a row."""
    steps = range(at - rule.ticks + 1, at + 1)
    if steps[0] < 0:
        return Verdict("unknown", np.nan, np.nan)
    judged = [judge(series, step, minimum_volume=rule.minimum_volume) for step in steps]
    last = judged[-1]
    if rule.kind == "missing":
        return _missing(rule, series, steps, last)
    expected = last.expected if rule.kind == "seasonal" else rule.threshold
    if all(_is_bad(rule, series, step, j) for step, j in zip(steps, judged, strict=True)):
        return Verdict("bad", last.value, expected)
    if all(_is_well(rule, j) for j in judged):
        return Verdict("well", last.value, expected)
    return Verdict("unknown", last.value, expected)


def _is_bad(rule: Rule, series: Series, step: int, judged: Judged) -> bool:
    if rule.kind == "seasonal":
        return beyond(judged, k=_each(rule), relative=rule.relative, direction=rule.direction)
    if series.volume[step] < rule.minimum_volume or not np.isfinite(judged.value):
        return False
    over = judged.value - rule.threshold
    return bool(over < 0 if rule.direction == "below" else over > 0)


def _is_well(rule: Rule, judged: Judged) -> bool:
    if not np.isfinite(judged.value):
        return False
    if rule.kind == "seasonal":
        return not beyond(judged, k=_each(rule) * _WELL, relative=0, direction=rule.direction)
    margin = _CLEAR * abs(rule.threshold)
    if rule.direction == "below":
        return judged.value > rule.threshold + margin
    return judged.value < rule.threshold - margin


def _each(rule: Rule) -> float:
    """Return what each of the steps must be off, so that all of them together are off by k."""
    return rule.threshold / float(np.sqrt(rule.ticks))


def _missing(rule: Rule, series: Series, steps: range, last: Judged) -> Verdict:
    volume = series.volume[list(steps)]
    if (volume > 0).any():
        return Verdict("well", last.value, last.expected)
    # Nothing at night is nothing to worry about where there never is anything.
    usual = judge(series, steps[-1], minimum_volume=0).expected
    is_due = not series.is_count or usual >= rule.minimum_volume
    return Verdict("bad" if is_due else "unknown", 0.0, last.expected)
