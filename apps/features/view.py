"""The `View`: aligned columns of viewers, contents and moment that every feature reads."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.features.history import History
from apps.features.stats import Stats

Floats = NDArray[np.float32]


class View:
    """n pairs of a query and a content; serving has one query, training has many.

    rows: int64[n] catalog rows. query_of: int64[n] index of each pair's query in 0..m−1.
    at_ms, surface, utc_offset_minutes, language: int64[m] of the queries. history: of the
    m viewers.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        stats: Stats,
        history: History,
        at_ms: NDArray[np.int64],
        surface: NDArray[np.int64],
        utc_offset_minutes: NDArray[np.int64],
        language: NDArray[np.int64],
        rows: NDArray[np.int64],
        query_of: NDArray[np.int64],
    ) -> None:
        self.catalog = catalog
        self.stats = stats
        self.history = history
        self.at_ms = at_ms
        self.surface = surface
        self.utc_offset_minutes = utc_offset_minutes
        self.language = language
        self.rows = rows
        self.query_of = query_of

    @property
    def n_queries(self) -> int:
        """M."""
        return len(self.at_ms)

    def of_pairs(self, per_query: NDArray) -> NDArray:
        """Spread values of the queries, [m, …], over the pairs, [n, …]."""
        return per_query[self.query_of]

    @cached_property
    def counts(self) -> dict[str, NDArray[np.float32]]:
        """float32[n, n_counted, n_half_lives] of each entity of the pair's content."""
        now = int(self.at_ms[0]) if self.n_queries == 1 else self.of_pairs(self.at_ms)
        columns = {
            "content": self.rows,
            "creator": self.catalog.creator[self.rows],
            "sound": self.catalog.sound[self.rows],
            "category": self.catalog.category[self.rows],
        }
        return {
            name: self.stats.by[name].at(entity, now).astype(np.float32)
            for name, entity in columns.items()
        }

    @cached_property
    def totals(self) -> NDArray[np.float32]:
        """float32[m, n_counted, n_half_lives]: everything counted, as of each query."""
        zeros = np.zeros(self.n_queries, np.int64)
        return self.stats.total.at(zeros, self.at_ms).astype(np.float32)

    @cached_property
    def history_weights(self) -> NDArray[np.float32]:
        """float32[m, h, 5]: views, long views, weight for, against, and of the last day."""
        h = self.history
        recent = np.exp2(-h.hours_ago / 24)
        return np.stack(
            [
                h.is_view,
                h.is_long,
                np.maximum(h.weight, 0),
                np.maximum(-h.weight, 0),
                h.weight * recent,
            ],
            axis=-1,
        )

    def history_sums(self, column: NDArray[np.int64]) -> NDArray[np.float32]:
        """Sum the history over what shares the content's entity.

        column: int64[n_contents], the entity of each content (−1: none). Returns float32[n, 6]: the
        five history weights, and 1/(1 + hours since the last event with the same entity).
        """
        past = np.append(column, -2)[self.history.content]  # −2: an empty slot matches nothing
        mine = column[self.rows]
        mine = np.where(mine < 0, -3, mine)  # nor does a content without the entity
        if self.n_queries == 1:
            match = (past == mine[:, None]).astype(np.float32)
            sums = match @ self.history_weights[0]
            nearest = _last_match(match, self.history.hours_ago)
            return np.concatenate([sums, nearest[:, None]], axis=1)
        return self._history_sums_in_chunks(past, mine)

    def _history_sums_in_chunks(
        self, past: NDArray[np.int64], mine: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        out = np.empty((len(mine), 6), np.float32)
        for start in range(0, len(mine), 8192):
            part = slice(start, start + 8192)
            query = self.query_of[part]
            match = (past[query] == mine[part, None]).astype(np.float32)
            out[part, :5] = np.matmul(match[:, None, :], self.history_weights[query])[:, 0]
            out[part, 5] = _last_match(match, self.history.hours_ago[query])
        return out


def _last_match(match: Floats, hours_ago: Floats) -> Floats:
    """Return 1/(1 + hours) since the newest match, 0 where nothing matches."""
    first = match.argmax(axis=1)  # slots run newest first
    found = np.take_along_axis(match, first[:, None], 1)[:, 0]
    ago = (
        hours_ago[0, first]
        if len(hours_ago) == 1
        else np.take_along_axis(hours_ago, first[:, None], 1)[:, 0]
    )
    return found / (1 + ago)
