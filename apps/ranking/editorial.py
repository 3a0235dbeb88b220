"""What editors change about a ranked page: weights before the creator cap, pins after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.models import Rule
from apps.candidates.rules import CompiledRule
from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.ranking.scaling import scaled

RulesOf = Callable[[Request], Sequence[CompiledRule]]
EDITORIAL = len(SOURCE_NAMES)  # `main_source` of a pinned content: no source, an editor
_EDITORIAL_BIT = 1 << 31  # of `sources`: far from the bits of sources still to come
SLOT_SOURCES: tuple[str, ...] = (*SOURCE_NAMES, "editorial")


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Filter: removes what an editor excludes from this request."""

    rules: RulesOf
    name: str = "editorial_exclusions"

    def __call__(self, request: Request, candidates: Candidates) -> NDArray[np.bool_]:
        """Keep what no exclusion speaks of."""
        keep = np.ones(len(candidates), np.bool_)
        for rule in _with_effect(self.rules(request), Rule.Effect.EXCLUDE):
            keep &= ~rule.holds(request.catalog, candidates.rows, request.query.at_ms)
        return keep


@dataclass(frozen=True, slots=True)
class Weights:
    """Multiplies scores by the factors of the rules that speak of a candidate."""

    rules: RulesOf
    name: str = "editorial_weights"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the same candidates with changed `score`."""
        factor = np.ones(len(candidates))
        for rule in _with_effect(self.rules(request), Rule.Effect.WEIGHT):
            holds = rule.holds(request.catalog, candidates.rows, request.query.at_ms)
            factor = np.where(holds, factor * rule.rule.factor, factor)
        return scaled(candidates, factor)


@dataclass(frozen=True, slots=True)
class Pins:
    """Puts pinned contents at their position of the scroll; a met or hidden one is not shown."""

    rules: RulesOf
    name: str = "editorial_pins"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the candidates with the pinned ones moved, or added, to their place."""
        pins = [
            (rule.rule.position - request.position, row)
            for rule in _with_effect(self.rules(request), Rule.Effect.PIN)
            if (row := _row_of(rule, request)) >= 0 and rule.rule.position >= request.position
        ]
        excluded = request.excluded() if pins else np.empty(0, np.bool_)
        for place, row in sorted(pins):
            if not excluded[row]:
                candidates = _placed(candidates, row, place)
        return candidates


def _with_effect(rules: Sequence[CompiledRule], effect: Rule.Effect) -> list[CompiledRule]:
    return [rule for rule in rules if rule.rule.effect == effect]


def _row_of(rule: CompiledRule, request: Request) -> int:
    return int(request.catalog.rows_of(np.array([rule.rule.content_id], np.int64))[0])


def _placed(candidates: Candidates, row: int, place: int) -> Candidates:
    """Return the candidates with `row` at `place`; one that no source proposed has no opinions."""
    others = candidates.take(candidates.rows != row)
    place = min(place, len(others))
    before, after = others.take(slice(place)), others.take(slice(place, None))
    mine = candidates.take(candidates.rows == row)
    pinned = {
        name: _joined(before[name], mine[name], after[name])
        for name in candidates.columns
        if name not in {"main_source", "sources"}
    }
    pinned["main_source"] = _joined(
        before["main_source"], np.array([EDITORIAL], np.int8), after["main_source"]
    )
    bit = np.array([_EDITORIAL_BIT], np.uint32)
    pinned["sources"] = _joined(before["sources"], bit, after["sources"])
    rows = np.concatenate([before.rows, np.array([row]), after.rows])
    return Candidates(rows, pinned)


def _joined(before: NDArray, mine: NDArray, after: NDArray) -> NDArray:
    """Join three parts of a column; where the pinned content has no value it gets a missing one."""
    if not len(mine):
        missing = np.nan if np.issubdtype(before.dtype, np.floating) else 0
        mine = np.full((1, *before.shape[1:]), missing, before.dtype)
    return np.concatenate([before, mine, after])
