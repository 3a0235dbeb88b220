"""When a metric is unlike itself: the same time of other weeks, median ± k · MAD (spec §8.4).

A fixed threshold fires every night; what a metric usually is at this hour of the week does not.
Counts are compared after how busy the last day was beside the same days of other weeks, so that
growth is no alarm. What so few events may show by chance never is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Steps = NDArray[np.int64]

WEEKS = 6  # that are looked back, as many as there are
_LEAST = 3  # other weeks, below which nothing is usual yet
_MAD = 1.4826  # MAD × this is the deviation of a normal distribution
_LEVEL = (0.5, 2.0)  # how much busier or quieter than usual a whole day may be


@dataclass(frozen=True, slots=True)
class Series:
    """One metric in equal steps of time without a gap, the latest last."""

    amount: Floats  # [t] numerator, or the count itself; 0 where nothing happened
    volume: Floats  # [t] denominator; of a count the count itself
    is_count: bool
    is_share: bool  # a ratio in [0, 1], whose sampling error is known
    season: int  # steps of a week
    around: int  # steps before and after that belong to the same hour
    day: int  # steps of a day

    def __len__(self) -> int:
        return len(self.amount)

    def value(self, steps: NDArray[np.int64]) -> Floats:
        """Return the metric itself at some steps, NaN where there is nothing to divide by."""
        amount = self.amount[steps]
        if self.is_count:
            return amount
        volume = self.volume[steps]
        return np.where(volume > 0, amount / np.maximum(volume, 1e-12), np.nan)


class Judged(NamedTuple):
    """One step of a metric."""

    value: float  # NaN: none
    expected: float  # NaN: nothing is usual yet
    score: float  # deviations from the expected; NaN where nothing can be said


def judge(series: Series, at: int, *, minimum_volume: float) -> Judged:
    """Compare step `at` with the same hour of up to `WEEKS` other weeks before it.

    A ratio is expected to be the median over the weeks of each week's pooled ratio, so that rare
    events count. Counts are compared as logarithms: half and twice as many are equally far.
    """
    value = float(series.value(np.array([at]))[0])
    weeks = _same_hour(series, at)
    volume = series.volume[weeks]
    # Of a count an empty step is the worst; of a ratio it says nothing.
    here = float(np.median(volume)) if series.is_count and volume.size else series.volume[at]
    usable = weeks if series.is_count else weeks[volume.sum(axis=1) >= minimum_volume]
    if len(usable) < _LEAST:
        return Judged(value, np.nan, np.nan)
    expected, spread = (
        _usual_count(series, usable, at) if series.is_count else _usual(series, usable)
    )
    if not here >= minimum_volume or not np.isfinite(value):
        return Judged(value, expected, np.nan)
    if series.is_count:
        chance = 1 / np.sqrt(max(expected, 1.0))
        off = np.log1p(value) - np.log1p(expected)
        return Judged(value, expected, float(off / max(spread, chance)))
    chance = np.sqrt(max(expected * (1 - expected), 1 / here) / here) if series.is_share else 0.0
    return Judged(value, expected, float((value - expected) / max(spread, chance, 1e-12)))


def beyond(judged: Judged, *, k: float, relative: float, direction: str) -> bool:
    """Say whether a step is more than k deviations, and relatively enough, off in the direction."""
    off = judged.value - judged.expected
    wrong_side = (direction == "above" and off < 0) or (direction == "below" and off > 0)
    is_far = abs(judged.score) > k and abs(off) > relative * abs(judged.expected)
    return bool(is_far) and not wrong_side


def _same_hour(series: Series, at: int) -> Steps:
    """Return the steps of the same hour, int64[weeks, 2 · around + 1], whole hours only."""
    centers = at - series.season * np.arange(1, WEEKS + 1)
    steps = centers[:, None] + np.arange(-series.around, series.around + 1)
    return steps[steps[:, 0] >= 0]


def _usual(series: Series, weeks: Steps) -> tuple[float, float]:
    """Return the expected ratio, and the deviation of single steps from it."""
    expected = float(np.median(series.amount[weeks].sum(axis=1) / series.volume[weeks].sum(axis=1)))
    past = series.value(weeks.ravel())
    return expected, _MAD * float(np.nanmedian(np.abs(past - expected)))


def _usual_count(series: Series, weeks: Steps, at: int) -> tuple[float, float]:
    """Return the expected count, and the deviation of single steps' logarithms."""
    logs = np.log1p(series.amount[weeks].ravel())
    usual = float(np.median(logs))
    spread = _MAD * float(np.median(np.abs(logs - usual)))
    return float(np.expm1(usual)) * _level(series, at), spread


def _level(series: Series, at: int) -> float:
    """Return how busy the last day was beside the same of other weeks; the last hour is not in."""
    hour = max(series.day // 24, 1)
    span = np.arange(at - series.day - hour, at - hour)
    weeks = span - series.season * np.arange(1, WEEKS + 1)[:, None]
    weeks = weeks[weeks[:, 0] >= 0]
    if series.day <= 1 or not len(weeks) or span[0] < 0:
        return 1.0
    usual = float(np.median(series.amount[weeks].sum(axis=1)))
    return float(np.clip(series.amount[span].sum() / usual, *_LEVEL)) if usual > 0 else 1.0
