"""The search: one parameter after the other is moved while that pays, within a budget of trials.

Each source is judged by itself on the latest slice of the log, with models fitted before it. Then
the quotas are split by what each source adds to the others. A budget of time would let the load of
the machine choose the parameters; the same log and the same number of trials find the same ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.candidates import services as retrieval
from apps.candidates.conf import (
    LEAST_QUOTAS,
    MAX_POOL,
    RetrievalParams,
    value_of,
    with_values,
)
from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.types import RetrievalModels as Models
from apps.content.types import Catalog
from apps.core.clock import HOUR_MS
from apps.events.types import EventLog
from apps.learning.algorithms.quotas import allocate, ranks_of
from apps.learning.slices import recent_slices
from apps.learning.tuning.families import FAMILIES, NAMES, Choice, Family
from apps.learning.tuning.judge import Judge

TRIALS = 100  # values tried by default: a log of a million events runs out of better ones before
_DEPTH = 700  # of the lists that quotas are cut from
_POOLS = 100  # viewers whose pools tell what a quota costs
_QUOTA_VIEWERS = 4000  # whom quotas are decided by, at most
_SURE = 0.5  # standard errors by which a value must be better to replace another

Say = Callable[[str], None]


@dataclass(slots=True)
class Trials:
    """What was tried: NDCG@10 of the source by value, parameter after parameter."""

    until: float = np.inf  # of `time.monotonic`
    n: int = 0  # values judged
    tried: dict[str, list[tuple[Any, float]]] = field(default_factory=dict)

    def add(self, name: str, value: Any, earned: float) -> None:
        """Note a value and what its source earned with it."""
        self.tried.setdefault(name, []).append((value, earned))

    @property
    def is_late(self) -> bool:
        """Say whether the time is over, so that the search is cut."""
        return time.monotonic() > self.until


def tune(
    log: EventLog,
    catalog: Catalog,
    start: RetrievalParams,
    *,
    n_trials: int = TRIALS,
    minutes: float = np.inf,
    pinned: Mapping[str, Any],
    say: Say,
) -> tuple[RetrievalParams, Trials]:
    """Return the best parameters found by about `n_trials` trials, and every trial.

    minutes: after which no further value is tried, and it is said that the search was cut. pinned:
    values by name that stay as they are. Nothing but `log` is known to the search.
    """
    params = with_values(start, pinned)
    trials = Trials(until=time.monotonic() + 60 * minutes)
    part = next(iter(recent_slices(log, n=1, share=0.2)), None)
    if part is None or not len(part.future):
        return params, trials
    background = retrieval.read_background(catalog, params)
    models = retrieval.fit_retrieval(part.past, catalog, params, background)
    judge = Judge(part, catalog, models, background)
    if not judge.truth.viewers:
        say("nobody came back in the latest slice: nothing to judge by")
        return params, trials
    say(f"judged on {len(judge.truth.viewers):,} viewers")
    share = 0.0
    for family in FAMILIES:
        share += family.share  # what one family leaves the next ones may use
        search = _Search(family, judge, trials, round(share * n_trials), say)
        params = search.run(params, {name for name in NAMES if name in pinned})
    if trials.is_late:
        say(f"cut after {minutes:g} minutes and {trials.n} of {n_trials} trials")
    judge.models = retrieval.fit_retrieval(part.past, catalog, params, background)
    return _with_quotas(params, judge, pinned, trials, say), trials


class _Search:
    """Coordinate search over one family's parameters."""

    def __init__(self, family: Family, judge: Judge, trials: Trials, most: int, say: Say) -> None:
        self._family = family
        self._judge = judge
        self._trials = trials
        self._most = most  # trials until the end of this search
        self._say = say
        self._judged: list[RetrievalParams] = []

    def run(self, params: RetrievalParams, pinned: set[str]) -> RetrievalParams:
        """Return the parameters with those of the family at the best values found."""
        self._best, self._models = self._earned(
            params, self._judge.models, refit=self._family.rests_on_others
        )
        before = None
        # What was found for one parameter may move another: around again while that pays.
        while params != before and not self._is_over:
            before = params
            for choice in self._family.choices:
                if choice.name not in pinned:
                    params = self._moved(params, choice)
        self._judge.models = self._models
        self._say(f"{self._family.source}: NDCG@10 {self._best.mean():.4f}")
        return params

    @property
    def _is_over(self) -> bool:
        return self._trials.n >= self._most or self._trials.is_late

    def _moved(self, params: RetrievalParams, choice: Choice) -> RetrievalParams:
        """Return the parameters with one of them moved as far as it pays, in one direction."""
        current = value_of(params, choice.name)
        self._trials.add(choice.name, current, float(self._best.mean()))
        for direction in (1, -1):
            start = params
            for value in _beyond(self._sensible(choice), current, direction):
                if self._is_over:
                    return params
                tried = with_values(params, {choice.name: value})
                if tried in self._judged:  # and was not better than what has only grown since
                    break
                earned, fitted = self._earned(
                    tried, self._models, refit=choice.refits, name=choice.name
                )
                if not _is_better(earned, self._best):
                    break
                params, self._best, self._models = tried, earned, fitted
            if params is not start:
                break
        return params

    def _sensible(self, choice: Choice) -> tuple[Any, ...]:
        """Return the values without half-lives so long that nothing in the log has halved.

        They are none, and a row of them hides the shorter ones from a search that moves while it
        pays.
        """
        if not choice.name.endswith("half_life_hours"):
            return choice.values
        span_hours = int(np.ptp(self._judge.part.past.at_ms)) / HOUR_MS
        return tuple(v for v in choice.values if v is None or v <= span_hours)

    def _earned(
        self, params: RetrievalParams, models: Models, *, refit: bool = False, name: str = ""
    ) -> tuple[NDArray[np.float64], Models]:
        if refit:
            models = self._family.fit(self._judge, params, models)
        models = replace(models, params=params)
        self._judged.append(params)
        earned = self._judge.ndcg(self._family.source, models)
        if name:
            self._trials.n += 1
            self._trials.add(name, value_of(params, name), float(earned.mean()))
            self._say(f"{name} = {value_of(params, name)}: NDCG@10 {earned.mean():.4f}")
        return earned, models


def _beyond(values: tuple[Any, ...], current: Any, direction: int) -> tuple[Any, ...]:
    """Return the values after the current one in a direction, nearest first."""
    if current in values:
        at = values.index(current)
        return values[at + 1 :] if direction > 0 else values[:at][::-1]
    numbers = [np.inf if v is None else float(v) for v in values]
    mine = np.inf if current is None else float(current)
    if direction > 0:
        return tuple(v for v, number in zip(values, numbers, strict=True) if number > mine)
    return tuple(v for v, number in zip(values, numbers, strict=True) if number < mine)[::-1]


def _is_better(earned: NDArray[np.float64], best: NDArray[np.float64]) -> bool:
    """Say whether the gain is more than what chance does to the viewers' mean."""
    gain = earned - best
    error = gain.std() / np.sqrt(max(len(gain), 1))
    return bool(gain.mean() > _SURE * error and gain.mean() > 0)


def _with_quotas(
    params: RetrievalParams,
    judge: Judge,
    pinned: Mapping[str, Any],
    trials: Trials,
    say: Say,
) -> RetrievalParams:
    """Return the parameters with the candidates split by what each source adds."""
    wanted, pooled, n_pools = _ranks(judge)
    say(f"quotas by what each source adds to the others: {len(wanted):,} contents watched")
    least = np.array([LEAST_QUOTAS.get(name, 0) for name in SOURCE_NAMES])
    fixed = {name.removeprefix("quotas."): v for name, v in pinned.items() if "quotas." in name}
    for i, name in enumerate(SOURCE_NAMES):
        if name in fixed:
            least[i] = fixed[name]
            for ranks in (wanted, pooled):
                ranks[ranks[:, i] >= fixed[name], i] = _DEPTH  # what is never asked for
    quotas = allocate(wanted, pooled, least, n_pools=n_pools, budget=MAX_POOL, depth=_DEPTH)
    split = dict(zip(SOURCE_NAMES, quotas.tolist(), strict=True)) | fixed
    for i, (name, quota) in enumerate(split.items()):
        # The share of what viewers watched that the source's quota holds by itself.
        trials.add(f"quotas.{name}", quota, float((wanted[:, i] < quota).mean()))
    return replace(params, quotas=split)


def _ranks(judge: Judge) -> tuple[NDArray[np.int16], NDArray[np.int16], int]:
    """Return the sources' ranks of what viewers watched, and of what some are proposed at all.

    Also of how many the latter are.
    """
    wanted, pooled = [], []
    for number, (lists, relevant) in enumerate(islice(judge.all_lists(_DEPTH), _QUOTA_VIEWERS)):
        wanted.append(ranks_of(lists, np.array(sorted(relevant)), _DEPTH))
        if number < _POOLS:
            pooled.append(ranks_of(lists, np.unique(np.concatenate(lists)), _DEPTH))
    return np.concatenate(wanted), np.concatenate(pooled), len(pooled)
