"""A pool of contents that few have met, so that each gets the views that show what it is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.text import mixed
from apps.candidates.scores import Draw
from apps.candidates.sources.base import Proposer
from apps.candidates.types import Request
from apps.core.clock import DAY_MS, HOUR_MS
from apps.features.stats import EVER, Counted

GRADUATED = (30, 100, 300)  # views after which a content is in the next pool; after the last, none
CHANCES = (4.0, 2.0, 1.0)  # to be drawn, by pool
_OWED = 100.0  # times the chance of an upload to which views are owed
_POOLED = 4000  # contents in the draw of an hour
_SHIFT = np.uint64(11)


@dataclass(frozen=True, slots=True)
class Explore(Proposer):
    """Draws from the contents with few views: others for each viewer, and again each hour."""

    name: str = "explore"

    def __call__(self, request: Request) -> Draw | None:
        """Order by u^(1/chance), u uniform: the best k are a weighted draw without replacement.

        Efraimidis and Spirakis 2006. The same for a viewer within an hour, so that pages of a
        scroll go on in one order.
        """
        at_ms = request.query.at_ms
        rows, chances = request.stats.shared(("explore",), at_ms, lambda: _pool(request))
        if not len(rows):
            return None
        uniform = _uniform(rows, seed=(request.query.viewer << 20) + at_ms // HOUR_MS)
        return Draw(rows, (uniform ** (1 / chances)).astype(np.float32))


def _pool(request: Request) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows that may be drawn this hour, ascending, and their chances."""
    catalog, at_ms = request.catalog, request.query.at_ms
    views = request.stats.by["content"].all_at(Counted.VIEW, EVER, at_ms)[: len(catalog)]
    is_new = (views < GRADUATED[-1]) & catalog.is_servable & ~catalog.is_reach_limited
    is_new &= catalog.uploaded_ms <= at_ms
    rows = np.flatnonzero(is_new)
    if len(rows) > _POOLED:
        drawn = _uniform(rows, seed=at_ms // HOUR_MS)
        rows = np.sort(rows[np.argpartition(drawn, _POOLED)[:_POOLED]])
    pool = np.searchsorted(GRADUATED, views[rows], side="right")
    chances = np.array(CHANCES)[pool]
    return rows, np.where(owed(request, rows, views[rows]), _OWED * chances, chances)


def owed(
    request: Request, rows: NDArray[np.int64], views: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Say which of contents int64[n] with so many views are in their first day, short of views.

    They come before older ones that few have met: an archive would else take all that explores.
    """
    is_young = request.catalog.uploaded_ms[rows] > request.query.at_ms - DAY_MS
    return np.asarray(is_young & (views < GRADUATED[0]))


def _uniform(rows: NDArray[np.int64], *, seed: int) -> NDArray[np.float64]:
    """Return a number in (0, 1) for each row, random but always the same."""
    start = mixed(np.array([seed], np.int64)).astype(np.int64)
    return (mixed(rows + start) >> _SHIFT).astype(np.float64) * 2.0**-53 + 2.0**-54
