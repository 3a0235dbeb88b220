"""Self-tuning: the parameters of retrieval that this installation's own log proves best.

Each source is judged by itself on the latest slice of the log, with models fitted before it: one
parameter after the other is moved while that pays (coordinate search), within a budget of time.
Then the quotas are split by what each source adds to the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.candidates import services as retrieval
from apps.candidates.algorithms.als import gram
from apps.candidates.conf import (
    LEAST_QUOTAS,
    MAX_POOL,
    RetrievalParams,
    value_of,
    with_values,
)
from apps.candidates.embedder import BLOCKS
from apps.candidates.index import ExactIndex
from apps.candidates.sources import SOURCE_NAMES, SOURCES
from apps.candidates.types import RetrievalModels
from apps.content.types import Catalog
from apps.events.types import EventLog, EventType, is_long_view
from apps.learning.algorithms import metrics
from apps.learning.algorithms.quotas import allocate
from apps.learning.moments import Moment, moment
from apps.learning.slices import Slice, recent_slices

JUDGED_AT = 10  # NDCG@10
_VIEWERS = 1500  # judged at most
_QUOTA_VIEWERS = 400
_DEPTH = 700  # of the lists that quotas are cut from
_SURE = 0.5  # standard errors by which a value must be better to replace another

Say = Callable[[str], None]
Models = RetrievalModels


@dataclass(frozen=True, slots=True)
class Choice:
    """One parameter and the values that are tried, in order of size."""

    name: str  # dotted, as in `with_values`
    values: tuple[Any, ...]
    refits: bool = True  # whether models must be fitted anew


@dataclass(frozen=True, slots=True)
class Family:
    """Parameters that decide what one source is worth."""

    source: str
    share: float  # of the budget of time
    fit: Callable[[Judge, RetrievalParams, Models], Models]
    choices: tuple[Choice, ...]


def _with_vectors(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    vectors = retrieval.fit_vectors(judge.part.past, judge.catalog, params)
    moved = replace(models, vectors=vectors, gram=gram(vectors), index=ExactIndex(vectors))
    return _with_viewers(judge, params, moved)  # who lie in the same space


def _with_next(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    return replace(models, next_item=retrieval.fit_next(judge.part.past, judge.catalog, params))


def _with_company(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    return replace(models, item_item=retrieval.fit_company(judge.part.past, judge.catalog, params))


def _with_viewers(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    past, vectors = judge.part.past, models.vectors
    return replace(models, viewers=retrieval.fit_neighborhood(past, judge.catalog, params, vectors))


def _with_content(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    return replace(models, content=retrieval.fit_content(judge.background, params))


_HALF_LIVES = (10.0, 24.0, 72.0, 168.0, 720.0, None)
_SHORT_VIEWS = (0.0, 0.2, 0.4, 0.7, 1.0)
_BLOCK_WEIGHTS = (0.0, 0.1, 0.3, 0.5, 1.0, 2.0)
_DECAYS = (2.0, 4.0, 7.0, 10.0, 15.0, 25.0, 50.0)

FAMILIES: tuple[Family, ...] = (
    Family(
        "nearest",
        0.5,
        _with_vectors,
        (
            Choice("als_signal.half_life_hours", _HALF_LIVES),
            Choice("als.unobserved_weight", (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)),
            Choice("als.regularization", (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)),
            Choice("als_signal.short_view", _SHORT_VIEWS),
            Choice("als.factors", (32, 64, 128)),
        ),
    ),
    Family(
        "item_item",
        0.2,
        _with_company,
        (
            Choice("query.item_item", _DECAYS, refits=False),
            Choice("item_item.decay_events", (5.0, 10.0, 20.0, 30.0, 60.0, 150.0)),
            Choice("item_item.shrinkage", (0.0, 2.0, 5.0, 15.0, 40.0)),
            Choice("item_item_signal.short_view", _SHORT_VIEWS),
            Choice("item_item_signal.half_life_hours", _HALF_LIVES),
        ),
    ),
    Family(
        "next_item",
        0.15,
        _with_next,
        (
            Choice("query.next_item", _DECAYS, refits=False),
            Choice("next_item.regularization", (30.0, 100.0, 250.0, 500.0, 1000.0, 2500.0)),
            Choice("next_item.decay_events", (1.0, 2.0, 4.0, 10.0, 20.0)),
            Choice("next_item_signal.short_view", _SHORT_VIEWS),
        ),
    ),
    Family(
        "similar_viewers",
        0.1,
        _with_viewers,
        (
            Choice("viewers.sharpness", (1.0, 2.0, 4.0, 8.0, 16.0), refits=False),
            Choice("viewers.k", (25, 50, 100, 200), refits=False),
            Choice("viewers.shrinkage", (0.0, 1.0, 5.0, 20.0, 80.0), refits=False),
            Choice("viewers_signal.short_view", _SHORT_VIEWS),
        ),
    ),
    Family(
        "like_content",
        0.05,
        _with_content,
        (
            Choice("interests.likeness", (0.2, 0.3, 0.4, 0.55, 0.7), refits=False),
            Choice("interests.importance", (0.0, 0.25, 0.5, 1.0), refits=False),
            Choice("content.theta", (0.0, 0.3, 0.5, 0.7, 0.85), refits=False),
            *(Choice(f"content.weights.{name}", _BLOCK_WEIGHTS) for name in BLOCKS),
        ),
    ),
    Family(
        "hybrid",
        0.0,  # nothing is fitted
        _with_content,
        (Choice("kappa", (0.0, 1.0, 3.0, 10.0, 30.0, 100.0), refits=False),),
    ),
)
NAMES: tuple[str, ...] = (
    *(choice.name for family in FAMILIES for choice in family.choices),
    *(f"quotas.{name}" for name in SOURCE_NAMES),
)


@dataclass(slots=True)
class Trials:
    """What was tried: NDCG@10 of the source by value, parameter after parameter."""

    tried: dict[str, list[tuple[Any, float]]] = field(default_factory=dict)

    def add(self, name: str, value: Any, earned: float) -> None:
        """Note a value and what its source earned with it."""
        self.tried.setdefault(name, []).append((value, earned))


def tune(
    log: EventLog,
    catalog: Catalog,
    start: RetrievalParams,
    *,
    minutes: float,
    pinned: Mapping[str, Any],
    say: Say,
) -> tuple[RetrievalParams, Trials]:
    """Return the best parameters found in about `minutes`, and every trial.

    pinned: values by name that stay as they are. Nothing but `log` is known to the search.
    """
    params, trials = with_values(start, pinned), Trials()
    part = next(iter(recent_slices(log, n=1, share=0.2)), None)
    if part is None or not len(part.future):
        return params, trials
    began = time.monotonic()
    background = retrieval.read_background(catalog, params)
    models = retrieval.fit_retrieval(part.past, catalog, params, background)
    judge = Judge(part, catalog, models, background)
    if not judge.viewers:
        say("nobody came back in the latest slice: nothing to judge by")
        return params, trials
    say(f"judged on {len(judge.viewers):,} viewers")
    # The first fit is paid from the same budget.
    left = max(60 * minutes - (time.monotonic() - began), 0)
    for family in FAMILIES:
        until = time.monotonic() + family.share * left
        search = _Search(family, judge, trials, until, say)
        params = search.run(params, {name for name in NAMES if name in pinned})
    judge.models = retrieval.fit_retrieval(part.past, catalog, params, background)
    return _with_quotas(params, judge, pinned, trials, say), trials


class Judge:
    """Asks a source for the lists of the viewers of a slice, and says how good they are."""

    def __init__(
        self, part: Slice, catalog: Catalog, models: Models, background: retrieval.Background
    ) -> None:
        self.part = part
        self.catalog = catalog
        self.background = background
        self.models = models
        self.then: Moment = moment(part.past, catalog, models, part.at_ms)
        self.viewers, self.relevant = _relevant(part, catalog)

    def lists(
        self, source: str, models: Models, k: int, *, n_viewers: int | None = None
    ) -> Iterator[NDArray[np.int64]]:
        """Yield the source's best k rows for each judged viewer."""
        asked = SOURCES[SOURCE_NAMES.index(source)]
        then = replace(self.then, models=models)
        for viewer in self.viewers[:n_viewers]:
            request = then.request(viewer)
            scores = asked(request)
            yield np.empty(0, np.int64) if scores is None else scores.top(k, request.excluded())

    def ndcg(self, source: str, models: Models) -> NDArray[np.float64]:
        """Return NDCG@10 of each judged viewer, float64[n_viewers]."""
        hits = np.zeros((len(self.viewers), JUDGED_AT), np.bool_)
        for i, rows in enumerate(self.lists(source, models, JUDGED_AT)):
            hits[i, : len(rows)] = [row in self.relevant[i] for row in rows.tolist()]
        n_relevant = np.array([len(r) for r in self.relevant])
        found = metrics.ranking_metrics(hits, n_relevant, JUDGED_AT)
        return np.asarray(found[f"ndcg@{JUDGED_AT}"])


def _relevant(part: Slice, catalog: Catalog) -> tuple[list[int], list[set[int]]]:
    """Return viewers with a past, and what each watched long for the first time in the future."""
    future = part.future
    future = future.take((future.kind == EventType.VIEW) & (future.content >= 0))
    is_long = is_long_view(
        future.watch_seconds, catalog.duration_seconds[future.content], future.flags
    )
    n = len(catalog)
    seen = np.unique(part.past.viewer * n + part.past.content)
    pairs = np.setdiff1d((future.viewer * n + future.content)[is_long], seen)
    relevant: dict[int, set[int]] = {}
    for viewer, row in zip((pairs // n).tolist(), (pairs % n).tolist(), strict=True):
        relevant.setdefault(viewer, set()).add(row)
    warm = np.intersect1d(list(relevant), part.past.viewer)
    chosen = np.random.default_rng(0).permutation(warm)[:_VIEWERS].tolist()
    return chosen, [relevant[viewer] for viewer in chosen]


class _Search:
    """Coordinate search over one family's parameters."""

    def __init__(
        self, family: Family, judge: Judge, trials: Trials, until: float, say: Say
    ) -> None:
        self._family = family
        self._judge = judge
        self._trials = trials
        self._until = until
        self._say = say

    def run(self, params: RetrievalParams, pinned: set[str]) -> RetrievalParams:
        """Return the parameters with those of the family at the best values found."""
        self._best, self._models = self._earned(params, self._judge.models)
        before = None
        # What was found for one parameter may move another: around again while that pays.
        while params != before and (before is None or time.monotonic() < self._until):
            before = params
            for choice in self._family.choices:
                if choice.name not in pinned:
                    params = self._moved(params, choice)
        self._judge.models = self._models
        self._say(f"{self._family.source}: NDCG@10 {self._best.mean():.4f}")
        return params

    def _moved(self, params: RetrievalParams, choice: Choice) -> RetrievalParams:
        """Return the parameters with one of them moved as far as it pays, in one direction."""
        current = value_of(params, choice.name)
        self._trials.add(choice.name, current, float(self._best.mean()))
        for direction in (1, -1):
            start = params
            for value in _beyond(choice.values, current, direction):
                if choice.refits and time.monotonic() > self._until:
                    return params
                tried = with_values(params, {choice.name: value})
                earned, fitted = self._earned(
                    tried, self._models, refit=choice.refits, name=choice.name
                )
                if not _is_better(earned, self._best):
                    break
                params, self._best, self._models = tried, earned, fitted
            if params is not start:
                break
        return params

    def _earned(
        self, params: RetrievalParams, models: Models, *, refit: bool = False, name: str = ""
    ) -> tuple[NDArray[np.float64], Models]:
        if refit:
            models = self._family.fit(self._judge, params, models)
        models = replace(models, params=params)
        earned = self._judge.ndcg(self._family.source, models)
        if name:
            self._trials.add(name, value_of(params, name), float(earned.mean()))
            self._say(f"{name} = {value_of(params, name)}: NDCG@10 {earned.mean():.4f}")
        return earned, models


def _beyond(values: tuple[Any, ...], current: Any, direction: int) -> tuple[Any, ...]:
    """Return the values after the current one in a direction, nearest first."""
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
    params: RetrievalParams, judge: Judge, pinned: Mapping[str, Any], trials: Trials, say: Say
) -> RetrievalParams:
    """Return the parameters with the candidates split by what each source adds."""
    say("quotas by what each source adds to the others")
    lists = [
        list(judge.lists(name, judge.models, _DEPTH, n_viewers=_QUOTA_VIEWERS))
        for name in SOURCE_NAMES
    ]
    least = np.array([LEAST_QUOTAS.get(name, 0) for name in SOURCE_NAMES])
    fixed = {name.removeprefix("quotas."): v for name, v in pinned.items() if "quotas." in name}
    for i, name in enumerate(SOURCE_NAMES):
        if name in fixed:
            least[i] = fixed[name]
            lists[i] = [rows[: fixed[name]] for rows in lists[i]]
    quotas = allocate(lists, judge.relevant[:_QUOTA_VIEWERS], least, budget=MAX_POOL, depth=_DEPTH)
    split = dict(zip(SOURCE_NAMES, quotas.tolist(), strict=True)) | fixed
    for name, quota in split.items():
        trials.add(f"quotas.{name}", quota, _found(lists, judge, name, quota))
    return replace(params, quotas=split)


def _found(lists: list[list[NDArray[np.int64]]], judge: Judge, name: str, quota: int) -> float:
    """Return the share of what viewers watched that the source's quota holds by itself."""
    mine = lists[SOURCE_NAMES.index(name)]
    wanted = judge.relevant[: len(mine)]
    hits = sum(len(w & set(rows[:quota].tolist())) for rows, w in zip(mine, wanted, strict=True))
    return hits / max(sum(map(len, wanted)), 1)
