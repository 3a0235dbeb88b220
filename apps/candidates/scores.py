"""Opinions of sources about contents: dense, or through an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apps.candidates.index import VectorIndex, best_rows
from apps.core.candidates import Rows

ORDERED = 5000  # rows that a shared order keeps; who has met them all has seen enough


class DenseScores:
    """A score for every content that the source knows; rows past the end have none.

    scores: float32[≤ n_contents], higher is better; −inf: never propose.
    """

    def __init__(self, scores: NDArray[np.float32]) -> None:
        self._scores = scores

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        allowed = np.where(excluded[: len(self._scores)], np.float32(-np.inf), self._scores)
        return best_rows(allowed, k)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row, NaN for rows past the end."""
        return gather(self._scores, rows)


class SparseScores:
    """A score for a few contents of many: no opinion about the others.

    rows: int64[m], ascending; scores: float32[m].
    """

    def __init__(self, rows: Rows, scores: NDArray[np.float32]) -> None:
        self._rows = rows
        self._scores = scores

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        known = self._rows < len(excluded)
        rows, scores = self._rows[known], self._scores[known]
        allowed = ~excluded[rows]
        return np.asarray(rows[allowed][best_rows(scores[allowed], k)])

    def scale(self) -> Scale:
        """Return what is usual among the few."""
        return Scale.of(self._scores)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row, NaN for those without one."""
        if not len(self._rows):
            return np.full(len(rows), np.nan, np.float32)
        place = np.minimum(np.searchsorted(self._rows, rows), len(self._rows) - 1)
        return np.where(self._rows[place] == rows, self._scores[place], np.float32(np.nan))


class RankedScores:
    """A score for every content whose order was worked out beforehand, for all requests.

    order: int64[≤ ORDERED], the best rows that may be proposed, best first.
    """

    def __init__(self, scores: NDArray[np.float32], order: Rows) -> None:
        self._scores = scores
        self._order = order

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return the first k rows of the order that are not excluded."""
        # A request with a newer catalogue may have made the order that all share.
        order = self._order[self._order < len(excluded)]
        found = order[~excluded[order]][:k]
        if len(found) == k or len(self._order) < ORDERED:
            return found
        # Much is excluded, as with a rare category: what the order was cut off from comes in.
        allowed = self._scores[: len(excluded)].copy()
        allowed[excluded[: len(allowed)]] = -np.inf
        return best_rows(allowed, k)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row, NaN for rows past the end."""
        return gather(self._scores, rows)


class VectorScores:
    """Inner products with the viewer's vector."""

    def __init__(
        self, vectors: NDArray[np.float32], index: VectorIndex, query: NDArray[np.float32]
    ) -> None:
        self._vectors = vectors
        self._index = index
        self._query = query

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded."""
        return self._index.search(self._query, k, excluded)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the product of each row, NaN for contents without a vector."""
        known = np.minimum(rows, len(self._vectors) - 1)
        scores = self._vectors[known] @ self._query
        return np.where(rows < len(self._vectors), scores, np.float32(np.nan))


@dataclass(frozen=True, slots=True)
class TimelyScores:
    """Inner products, and what is added to them for what many watch now."""

    _DEPTH = 200  # rows of either list that are looked at, for few wanted ones

    near: VectorScores
    chart: RankedScores
    weight: float  # of the chart's scores

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows of both lists, best first, none excluded."""
        depth = max(k, self._DEPTH)
        lists = self.near.top(depth, excluded), self.chart.top(depth, excluded)
        rows = np.unique(np.concatenate(lists))
        return np.asarray(rows[best_rows(self.at(rows), k)])

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row, NaN for contents without a vector."""
        watched = np.nan_to_num(self.chart.at(rows))
        return self.near.at(rows) + np.float32(self.weight) * watched


class Draw(SparseScores):
    """An order by lot: what is drawn first is not worth more, so that there is no opinion."""

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return NaN for each row."""
        return np.full(len(rows), np.nan, np.float32)


class Space(Protocol):
    """Contents as vectors of one space."""

    def __len__(self) -> int: ...

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the vectors of rows, float32[n, f], 0 for rows past the end."""
        ...

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows of the largest products, best first, none excluded."""
        ...

    def products(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return every content's products with queries float32[m, f], float32[m, n]."""
        ...


@dataclass(frozen=True, slots=True)
class VectorSpace:
    """Vectors with an index over them."""

    vectors: NDArray[np.float32]
    index: VectorIndex

    def __len__(self) -> int:
        return len(self.vectors)

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the vectors of rows, float32[n, f], 0 for rows past the end."""
        known = rows < len(self.vectors)
        return np.where(known[:, None], self.vectors[np.where(known, rows, 0)], np.float32(0))

    def search(self, query: NDArray[np.float32], k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows of the largest products, best first, none excluded."""
        return self.index.search(query, k, excluded)

    def products(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return every content's products with queries float32[m, f], float32[m, n]."""
        return queries @ self.vectors.T


class InterestScores:
    """The best product with any of several queries; a vector of zeros is no opinion.

    queries: float32[m, f], as long as they count. theta: what is at or below it is not proposed,
    as long as `least` contents pass; else it is lowered until they do.
    """

    _DENSE_UP_TO = 20_000  # contents; there one product beats m searches
    _DEPTH = 200  # rows looked for at once: who asks for some often asks for more
    _SAMPLE = 1000

    def __init__(
        self,
        space: Space,
        queries: NDArray[np.float32],
        *,
        theta: float = -np.inf,
        least: int = 0,
    ) -> None:
        self._space = space
        self._queries = queries
        self._theta = theta
        self._least = least
        self._is_dense = len(space) <= self._DENSE_UP_TO
        self._dense = _best(space.products(queries)) if self._is_dense else None
        self._found: tuple[NDArray[np.bool_], int, Rows] | None = None

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows above the threshold, best first, none excluded."""
        rows = self.nearest(k, excluded)
        n_passing = int(np.count_nonzero(self.at(rows) > self._theta))
        return rows[: max(n_passing, min(self._least, k))]

    def nearest(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows, best first, none excluded, whatever their score."""
        if self._found is None or self._found[0] is not excluded or self._found[1] < k:
            depth = max(k, self._DEPTH)
            self._found = excluded, depth, self._search(depth, excluded)
        return self._found[2][:k]

    def _search(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        if self._dense is not None:
            return DenseScores(self._dense).top(k, excluded)
        parts = [self._space.search(query, k, excluded) for query in self._queries]
        rows = np.unique(np.concatenate(parts))
        return np.asarray(rows[best_rows(np.nan_to_num(self.at(rows), nan=-np.inf), k)])

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row, NaN for contents without a vector."""
        if self._dense is not None:
            return gather(self._dense, rows)
        return gather(_best(self._queries @ self._space.at(rows).T), np.arange(len(rows)))

    def scale(self) -> Scale:
        """Return what is usual among all contents."""
        if self._dense is not None:
            return Scale.of(self._dense)
        step = max(len(self._space) // self._SAMPLE, 1)
        return Scale.of(self.at(np.arange(0, len(self._space), step)))


@dataclass(frozen=True, slots=True)
class Scale:
    """Where scores lie: what makes those of two sources comparable."""

    mean: float = 0.0
    spread: float = 1.0
    least: float = 0.0  # the lowest z-score: that of no opinion

    @classmethod
    def of(cls, scores: NDArray[np.float32]) -> Scale:
        """Return the scale of the finite scores."""
        known = scores[np.isfinite(scores)]
        if not len(known):
            return cls()
        mean, spread = float(known.mean()), max(float(known.std()), 1e-9)
        return cls(mean, spread, (float(known.min()) - mean) / spread)

    def z(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return z-scores; no opinion is worth no more than the lowest."""
        z = (scores - np.float32(self.mean)) / np.float32(self.spread)
        return np.where(np.isfinite(z), z, np.float32(self.least))


def _best(products: NDArray[np.float32]) -> NDArray[np.float32]:
    best = products.max(axis=0)
    return np.where(best == 0, np.float32(-np.inf), best)


def gather(scores: NDArray[np.float32], rows: Rows) -> NDArray[np.float32]:
    """Return scores[rows], NaN past the end and for −inf."""
    if not len(scores):
        return np.full(len(rows), np.nan, np.float32)
    found = scores[np.minimum(rows, len(scores) - 1)]
    return np.where((rows < len(scores)) & np.isfinite(found), found, np.float32(np.nan))
