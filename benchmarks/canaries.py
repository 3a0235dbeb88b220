"""A simulated canary: viewers with habits of their own, looked at each day, judged as the product.

Used by `promotion.py`. A viewer is in the canary from its first day on; what they do before it is
known for as long again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.core.clock import DAY_MS, HOUR_MS
from apps.experiments.measures import Totals
from apps.experiments.results import Observed, Question, harmed, report
from apps.learning.algorithms.promotion import State
from apps.learning.conf import RolloutParams
from apps.learning.rollout.judging import judge_canary

PARAMS = RolloutParams()
VIEWERS = 12_000  # of the platform, active on most days
_BEFORE_DAYS = 14
_QUESTION = Question(
    arms=("control", "candidate"),
    shares=np.array([0.5, 0.5]),
    primary=PARAMS.primary,
    guardrails=PARAMS.guardrails,
    minimum_effect=PARAMS.minimum_effect,
)


class Effect(NamedTuple):
    """What the candidate does to its viewers, as factors."""

    watch: float = 1.0
    skips: float = 1.0


class Outcome(NamedTuple):
    """How a canary ended."""

    is_promoted: bool
    is_harm: bool  # ended by a guardrail
    days: int
    viewers: int  # who were served the candidate


def rolled_back_after(rng: np.random.Generator, effect: Effect) -> int | None:
    """Return the hour in which the holdback after a promotion rolls it back; None: it does not."""
    crowd = _Crowd(rng)
    crowd.admit(2 * VIEWERS * PARAMS.holdback_percent // 100)
    for hour in range(1, PARAMS.holdback_ms // HOUR_MS + 1):
        crowd.live(effect, days=1 / 24)
        if harmed(report(_QUESTION, crowd.observed(), at_ms=0), PARAMS.guardrails):
            return hour
    return None


class _Crowd:
    """Viewers of both variants and their totals so far."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.arm = np.empty(0, np.int64)
        self._habit = np.empty(0)
        self._before: dict[str, NDArray[np.float64]] = {}
        self._since: dict[str, NDArray[np.float64]] = {}
        self._rng = rng

    def admit(self, n: int) -> None:
        """Let viewers in until there are n."""
        more = n - len(self.arm)
        habit = self._rng.gamma(1.5, 8.0, more)  # views a day, as skewed as watching is
        before = _day(self._rng, habit, np.zeros(more, np.int64), Effect(), days=_BEFORE_DAYS)
        self.arm = np.append(self.arm, self._rng.permutation(np.arange(more) % 2))
        self._habit = np.append(self._habit, habit)
        for name, value in before.items():
            self._before[name] = np.append(self._before.get(name, np.empty(0)), value)
            self._since[name] = np.append(self._since.get(name, np.empty(0)), np.zeros(more))

    def live(self, effect: Effect, *, days: float = 1) -> None:
        """Add a day, or a part of one."""
        for name, value in _day(self._rng, self._habit, self.arm, effect, days=days).items():
            self._since[name] = self._since[name] + value

    def observed(self) -> Observed:
        no_device = np.zeros(len(self.arm), np.int8)
        return Observed(self.arm, Totals(self._since, self._before, no_device), {})


def _day(
    rng: np.random.Generator,
    habit: NDArray[np.float64],
    arm: NDArray[np.int64],
    effect: Effect,
    *,
    days: float,
) -> dict[str, NDArray[np.float64]]:
    treated = arm == 1
    views = rng.poisson(days * habit).astype(np.float64)
    mood = rng.gamma(2.0, 0.5, len(habit))  # days are unlike each other
    skip_rate = np.where(treated, 0.2 * effect.skips, 0.2)
    return {
        "watch_seconds": 12 * views * mood * np.where(treated, effect.watch, 1.0),
        "views": views,
        "long_views": rng.binomial(views.astype(np.int64), 0.4).astype(np.float64),
        "likes": rng.binomial(views.astype(np.int64), 0.03).astype(np.float64),
        "skips": rng.binomial(views.astype(np.int64), skip_rate).astype(np.float64),
        "reports": rng.binomial(views.astype(np.int64), 0.002).astype(np.float64),
        "hides": rng.binomial(views.astype(np.int64), 0.004).astype(np.float64),
        "active_days": np.minimum(views, np.ceil(days)),
        "returned": (rng.random(len(habit)) < 0.7).astype(np.float64),
    }


def run(rng: np.random.Generator, effect: Effect, *, is_refresh: bool) -> Outcome:
    """Go through the canary's steps, a look a day, until it is promoted or refused."""
    crowd, total = _Crowd(rng), 0
    for percent in PARAMS.percents:
        crowd.admit(2 * VIEWERS * percent // 100)
        is_last = percent == PARAMS.percents[-1]
        for day in range(1, PARAMS.most_ms // DAY_MS + 1):
            total += 1
            crowd.live(effect)
            found = report(_QUESTION, crowd.observed(), at_ms=0)
            verdict = judge_canary(
                found,
                harmed(found, PARAMS.guardrails),
                PARAMS,
                is_refresh=is_refresh,
                is_last=is_last,
                elapsed_ms=day * DAY_MS,
            )
            if verdict.state != State.UNKNOWN:
                break
        served = int((crowd.arm == 1).sum())
        if verdict.state != State.PASSED:
            return Outcome(False, verdict.state == State.FAILED, total, served)
    return Outcome(True, False, total, served)
