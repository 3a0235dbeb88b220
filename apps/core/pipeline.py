"""The engine of a feed: runs listed stages in order and knows no domain.

A failed source or scorer is skipped and reported; a failed filter raises, because serving what
should have been removed is worse than serving nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from apps.core.candidates import Candidates, Rows, first_seen
from apps.core.errors import RecsysError
from apps.core.metrics import DEGRADED, FILTERED

logger = logging.getLogger(__name__)

Q_contra = TypeVar("Q_contra", contravariant=True)
Q = TypeVar("Q")


class Scores(Protocol):
    """What one source thinks of every content for one request."""

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most `k` rows, best first, none of them `excluded` (bool[n_contents])."""
        ...

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row; NaN where the source has no opinion."""
        ...


class Source(Protocol[Q_contra]):
    """Proposes candidates."""

    @property
    def name(self) -> str:
        """What the source is called, everywhere."""
        ...

    def quota(self, query: Q_contra, /) -> int:
        """Return how many it may propose; with 0 it is not asked."""
        ...

    def __call__(self, query: Q_contra, /) -> Scores | None:
        """Return its scores, or None when it has nothing to say about this viewer."""
        ...


class Filter(Protocol[Q_contra]):
    """Says which candidates may stay."""

    @property
    def name(self) -> str:
        """What the stage is called, everywhere."""
        ...

    def __call__(self, query: Q_contra, candidates: Candidates, /) -> NDArray[np.bool_]:
        """Return bool[n], True to keep."""
        ...


class Scorer(Protocol[Q_contra]):
    """Adds columns, among them `score`."""

    @property
    def name(self) -> str:
        """What the stage is called, everywhere."""
        ...

    def __call__(self, query: Q_contra, candidates: Candidates, /) -> Candidates:
        """Return the same rows with more columns."""
        ...


class Reranker(Protocol[Q_contra]):
    """Picks and orders the slate."""

    @property
    def name(self) -> str:
        """What the stage is called, everywhere."""
        ...

    def __call__(self, query: Q_contra, candidates: Candidates, /) -> Candidates:
        """Return some of the rows in the order in which they are shown."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the pipeline made of a query."""

    candidates: Candidates  # in the order to show; columns as the stages left them
    degraded: tuple[str, ...]  # stages that failed and were skipped
    removed: dict[str, int]  # by filter


@dataclass(frozen=True, slots=True)
class Traced:
    """What each step of one run made, to be looked at."""

    proposed: Candidates  # by the sources
    removed: dict[str, Rows]  # by filter
    scored: Candidates  # with `score`, before the re-rankers
    ordered: Candidates  # in the order to show
    degraded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pipeline(Generic[Q]):
    """Stages in the order in which they run; the list is the behavior."""

    sources: Sequence[Source[Q]]
    filters: Sequence[Filter[Q]]
    scorers: Sequence[Scorer[Q]]  # the first that works gives the score: a ladder
    rerankers: Sequence[Reranker[Q]]

    def run(self, query: Q, excluded: NDArray[np.bool_]) -> Outcome:
        """Return the slate for `query`; `excluded` rows (bool[n_contents]) are never proposed."""
        degraded: list[str] = []
        candidates = self.retrieve(query, excluded, degraded)
        candidates, removed = self._filter(query, candidates)
        candidates = self._score(query, candidates, degraded)
        for reranker in self.rerankers:
            candidates = reranker(query, candidates)
        for stage in degraded:
            DEGRADED.labels(stage).inc()
        return Outcome(candidates, tuple(degraded), removed)

    def trace(self, query: Q, excluded: NDArray[np.bool_]) -> Traced:
        """Do what `run` does and keep what every step made; counts in no metric."""
        degraded: list[str] = []
        proposed = candidates = self.retrieve(query, excluded, degraded)
        removed = {}
        for stage in self.filters:
            kept = stage(query, candidates)
            removed[stage.name] = candidates.rows[~kept]
            candidates = candidates.take(kept)
        scored = candidates = self._score(query, candidates, degraded)
        for reranker in self.rerankers:
            candidates = reranker(query, candidates)
        return Traced(proposed, removed, scored, candidates, tuple(degraded))

    def retrieve(self, query: Q, excluded: NDArray[np.bool_], degraded: list[str]) -> Candidates:
        """Return the union of what the sources propose.

        Columns: `sources` uint32 bit mask of the proposers, `main_source` int8 index of the
        one that placed it highest (of those with an opinion, if any), and one `score.<name>`
        float32 a source (NaN: no opinion).
        """
        opinions: list[Scores | None] = []
        proposals: list[Rows] = []
        for source in self.sources:
            opinion, rows = None, np.empty(0, np.int64)
            try:
                quota = source.quota(query)
                opinion = source(query) if quota else None  # who may propose nothing is not asked
                if opinion is not None:
                    rows = opinion.top(quota, excluded)
            except Exception:
                logger.exception("source %s failed and was skipped", source.name)
                degraded.append(f"source:{source.name}")
                opinion = None
            opinions.append(opinion)
            proposals.append(rows)
        return _union(self.sources, opinions, proposals, degraded)

    def _filter(self, query: Q, candidates: Candidates) -> tuple[Candidates, dict[str, int]]:
        removed = {}
        for stage in self.filters:
            kept = stage(query, candidates)
            removed[stage.name] = int(len(kept) - np.count_nonzero(kept))
            if removed[stage.name]:
                FILTERED.labels(stage.name).inc(removed[stage.name])
                candidates = candidates.take(kept)
        return candidates, removed

    def _score(self, query: Q, candidates: Candidates, degraded: list[str]) -> Candidates:
        for scorer in self.scorers:
            try:
                scored = scorer(query, candidates)
            except RecsysError as error:
                logger.warning("scorer %s: %s", scorer.name, error)
                degraded.append(f"scorer:{scorer.name}")
                continue
            except Exception:
                logger.exception("scorer %s failed; the next one takes over", scorer.name)
                degraded.append(f"scorer:{scorer.name}")
                continue
            score = scored["score"]
            return scored.with_columns(score=np.where(np.isfinite(score), score, -np.inf))
        order = -np.arange(len(candidates), dtype=np.float32)
        return candidates.with_columns(score=order)


def _union(
    sources: Sequence[Source[Q]],
    opinions: list[Scores | None],
    proposals: list[Rows],
    degraded: list[str],
) -> Candidates:
    """Join proposals in the order of the sources; each row once."""
    joined = np.concatenate([np.empty(0, np.int64), *proposals])
    lengths = [len(rows) for rows in proposals]
    owner = np.repeat(np.arange(len(proposals), dtype=np.int64), lengths)
    place = np.concatenate([np.empty(0, np.int64), *map(np.arange, lengths)])
    rows, at = first_seen(joined)
    mask = np.zeros(len(rows), np.uint32)
    np.bitwise_or.at(mask, at, (1 << owner).astype(np.uint32))
    scores = _scores(sources, opinions, rows, degraded)
    # Who only draws lots has not placed what another source has an opinion about.
    is_blind = ~np.isfinite(scores[owner, at])
    # The lowest key of a candidate: with an opinion first, then by place, then by source.
    keys = (is_blind * (len(joined) + 1) + place) * max(len(proposals), 1) + owner
    lowest = np.full(len(rows), np.iinfo(np.int64).max)
    np.minimum.at(lowest, at, keys)
    main_source = lowest % max(len(proposals), 1)
    columns: dict[str, NDArray] = {
        "sources": mask,
        "main_source": main_source.astype(np.int8),
        **{f"score.{source.name}": scores[i] for i, source in enumerate(sources)},
    }
    return Candidates(rows, columns)


def _scores(
    sources: Sequence[Source[Q]],
    opinions: list[Scores | None],
    rows: Rows,
    degraded: list[str],
) -> NDArray[np.float32]:
    """Return what each source thinks of the rows, float32[n_sources, n], NaN: no opinion."""
    scores = np.full((len(sources), len(rows)), np.nan, np.float32)
    for i, (source, opinion) in enumerate(zip(sources, opinions, strict=True)):
        try:
            if opinion is not None:
                scores[i] = opinion.at(rows)
        except Exception:
            logger.exception("source %s could not score and was skipped", source.name)
            degraded.append(f"source:{source.name}")
    return scores
