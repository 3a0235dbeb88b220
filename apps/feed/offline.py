"""The production pipeline asked for many viewers at once, as of one moment, without exploration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.core.params import Overrides, Value
from apps.core.pipeline import Pipeline
from apps.feed.pipelines import feed_pipeline
from apps.learning.moments import Moment
from apps.ranking import selectors as ranking
from apps.ranking.objective import SELECT_ALONE, Objective
from apps.ranking.rankers import Rankers

BY_SCORE: Mapping[str, Value] = {
    "feed.theta": 1.0,
    "feed.cold_theta": 1.0,
    "feed.exposure_new": 0.0,
    "feed.exposure_small": 0.0,
}
_THREADS = 2
_BATCH = 64


def recommend(
    moment: Moment,
    rankers: Rankers,
    viewers: Sequence[int],
    k: int,
    *,
    objective: Callable[[], Objective] = ranking.objective,
    overrides: Mapping[str, Value] | None = None,
) -> Iterator[tuple[int, Candidates]]:
    """Yield (viewer, at most k candidates best first) in the order of `viewers`.

    Contents that the viewer has met are left out. The caps hold over the whole list.
    """
    current = objective()  # asked once: the threads below ask no database
    pipeline = feed_pipeline(lambda request: rankers, objective=lambda: current, at_least=k)

    def one(viewer: int) -> tuple[int, Candidates]:
        found = run_offline(pipeline, moment, viewer, Overrides(overrides))
        return viewer, found.take(slice(k))

    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(viewers), _BATCH):
            yield from pool.map(one, viewers[start : start + _BATCH])


def ranked_rows(
    moment: Moment, rankers: Rankers, viewers: Sequence[int], k: int
) -> Iterator[NDArray[np.int64]]:
    """Yield the catalog rows of `recommend`'s candidates."""
    return (candidates.rows for _, candidates in recommend(moment, rankers, viewers, k))


def rows_by_select_alone(
    moment: Moment, rankers: Rankers, viewers: Sequence[int], k: int
) -> Iterator[NDArray[np.int64]]:
    """Yield what `ranked_rows` would if nothing but the select ranker counted."""
    found = recommend(moment, rankers, viewers, k, objective=lambda: SELECT_ALONE)
    return (candidates.rows for _, candidates in found)


def rows_by_score(
    moment: Moment, rankers: Rankers, viewers: Sequence[int], k: int
) -> Iterator[NDArray[np.int64]]:
    """Yield what `ranked_rows` would without the DPP and the guaranteed exposure: their price."""
    found = recommend(moment, rankers, viewers, k, overrides=BY_SCORE)
    return (candidates.rows for _, candidates in found)


def run_offline(
    pipeline: Pipeline[Request], moment: Moment, viewer: int, overrides: Overrides | None = None
) -> Candidates:
    """Return the ranked candidates of one viewer."""
    request = moment.request(viewer).under(overrides or Overrides())
    return pipeline.run(request, request.excluded()).candidates
