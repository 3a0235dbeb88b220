"""The production pipeline asked for many viewers at once, as of one moment, without exploration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.core.pipeline import Pipeline
from apps.feed.conf import PARAMS
from apps.feed.pipelines import feed_pipeline
from apps.learning.moments import Moment
from apps.ranking.rankers import Rankers

_THREADS = 2
_BATCH = 64


def recommend(
    moment: Moment, rankers: Rankers, viewers: Sequence[int], k: int
) -> Iterator[tuple[int, Candidates]]:
    """Yield (viewer, at most k candidates best first) in the order of `viewers`.

    Contents that the viewer has met are left out. The creator cap holds per `default_limit` of a
    page, so that a long list is a sequence of pages.
    """
    pipeline = feed_pipeline(lambda: rankers, ranked=max(PARAMS.ranked, k))

    def one(viewer: int) -> tuple[int, Candidates]:
        return viewer, run_offline(pipeline, moment, viewer).take(slice(k))

    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(viewers), _BATCH):
            yield from pool.map(one, viewers[start : start + _BATCH])


def ranked_rows(
    moment: Moment, rankers: Rankers, viewers: Sequence[int], k: int
) -> Iterator[NDArray[np.int64]]:
    """Yield the catalog rows of `recommend`'s candidates."""
    return (candidates.rows for _, candidates in recommend(moment, rankers, viewers, k))


def run_offline(pipeline: Pipeline[Request], moment: Moment, viewer: int) -> Candidates:
    """Return the ranked candidates of one viewer."""
    request = moment.request(viewer)
    return pipeline.run(request, request.excluded()).candidates
