"""The best of the kinds that a viewer likes, or may like: speaks from the first request on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates import taste
from apps.candidates.algorithms.taste import hope
from apps.candidates.index import best_rows
from apps.candidates.sources.base import Proposer
from apps.candidates.types import Request
from apps.core.candidates import Rows

_GROUPS = 32  # kinds of a request that are looked at
_DEPTH = 16  # contents of each, which the viewer has not met
_KEPT = 400  # contents of a kind that are kept in order
_GROUPED_MS = 60_000  # after which kinds are ordered anew


@dataclass(frozen=True, slots=True)
class Charts:
    """The contents of each kind, a category in a language, the most liked first."""

    rows: Rows  # [e]
    start: NDArray[np.int64]  # [g + 1]
    category: NDArray[np.int64]  # [g]
    language: NDArray[np.int64]  # [g]


@dataclass(frozen=True, slots=True)
class LikedKinds(Proposer):
    """The best contents of the kinds that the viewer likes; of all kinds while that is open."""

    name: str = "liked_kinds"

    def __call__(self, request: Request) -> TasteScores:
        """Score by what the viewer is expected to make of it, unknown kinds with some credit."""
        return TasteScores(request)


class TasteScores:
    """A score for every content, worked out for those that are asked about."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._known = np.zeros(len(request.catalog), np.float32)  # 0: not asked about yet

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded: of the likeliest kinds the best."""
        rows = self._shortlist(excluded)
        return np.asarray(rows[best_rows(self.at(rows), k)])

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row, > 0."""
        unknown = rows[self._known[rows] == 0]
        self._known[unknown] = taste.hope_of(self._request, unknown)
        return self._known[rows]

    def _shortlist(self, excluded: NDArray[np.bool_]) -> Rows:
        request = self._request
        charts = request.stats.shared(
            ("liked_kinds", request.params.taste),
            request.query.at_ms,
            lambda: _charts(request),
            for_ms=_GROUPED_MS,
        )
        params = request.params.taste
        language = taste.language_of(request, charts.language)
        liking = hope(taste.taste_of(request).of(charts.category, language), params)
        chosen = best_rows(liking.astype(np.float32), _GROUPS)
        starts, lengths = charts.start[chosen], np.diff(charts.start)[chosen]
        owner = np.repeat(np.arange(len(chosen)), lengths)
        ends = np.cumsum(lengths)
        rows = charts.rows[np.arange(len(owner)) + np.repeat(starts - ends + lengths, lengths)]
        known = rows < len(excluded)
        kept = known & ~excluded[np.where(known, rows, 0)]
        rows, owner = rows[kept], owner[kept]
        counts = np.bincount(owner, minlength=len(chosen))
        first = (np.cumsum(counts) - counts)[owner]
        return np.asarray(rows[np.arange(len(owner)) - first < _DEPTH])


def _charts(request: Request) -> Charts:
    catalog = request.catalog
    rows = np.flatnonzero(catalog.is_servable)
    worth = taste.worth_to_fans(request, rows)
    n_languages = len(catalog.languages) + 1
    group = (catalog.category[rows] + 1) * n_languages + catalog.language[rows] + 1
    order = np.lexsort((-catalog.uploaded_ms[rows], -worth, group))
    rows, group = rows[order], group[order]
    kept = np.arange(len(rows)) - np.searchsorted(group, group) < _KEPT
    rows, group = rows[kept], group[kept]
    found, start = np.unique(group, return_index=True)
    return Charts(
        rows=rows,
        start=np.append(start, len(rows)),
        category=found // n_languages - 1,
        language=found % n_languages - 1,
    )
