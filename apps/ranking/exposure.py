"""New and small creators get some of every page's attention, at a bounded price (spec §10.3).

Groups come from what a creator's contents were shown, never from who the creator is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates.types import Request
from apps.content.types import Catalog
from apps.core.candidates import Candidates
from apps.core.clock import DAY_MS, SECOND_MS
from apps.core.metrics import EXPOSURE, EXPOSURE_LOST
from apps.features.stats import EVER, Counted, Stats
from apps.ranking.algorithms.exposure import exposure, guarantee

GROUPS = ("new", "small", "large")
NEW, SMALL, LARGE = range(3)
_EXPOSURES = tuple(EXPOSURE.labels(name) for name in GROUPS)
_NEW_DAYS = 7  # since a creator's first upload
_GROUPED_MS = 600 * SECOND_MS


class Guarantee(NamedTuple):
    """What new and small creators are guaranteed."""

    slots: int  # of the page
    pool: int  # candidates that may be moved up, the first
    new: float  # share of the places, 0–1
    small: float
    quantile: float  # of creators by views; those up to it are small
    tolerance: float  # share of the page's score that may be given up
    creator_cap: int = 2  # as the page has it


@dataclass(frozen=True, slots=True)
class ExposureGuarantee:
    """Moves new and small creators up where a page gives them less than they are guaranteed."""

    guarantee: Callable[[Request], Guarantee]
    name: str = "exposure_guarantee"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the same candidates, some new or small creators moved up."""
        wanted = self.guarantee(request)
        least = np.array([wanted.new, wanted.small, 0.0])
        if not least.any() or not wanted.tolerance or not len(candidates):
            return candidates
        of_creator = groups(request, wanted.quantile)
        creator = request.catalog.creator[candidates.rows]
        group = of_creator[creator]
        found = guarantee(
            _above_lowest(candidates["score"]),
            group,
            least,
            slots=wanted.slots,
            pool=wanted.pool,
            tolerance=wanted.tolerance,
            offset=request.position,
            creator=creator,
            cap=wanted.creator_cap,
        )
        _count(group[found.order[: wanted.slots]], found.lost, found.total)
        return candidates.take(found.order)


def groups(request: Request, quantile: float) -> NDArray[np.int64]:
    """Return the group of each creator row, int64[n_creators]; worked out every ten minutes."""
    stats, at_ms = request.stats, request.query.at_ms
    key = ("creator_groups", quantile)
    found = stats.shared(
        key,
        at_ms,
        lambda: creator_groups(request.catalog, stats, at_ms, quantile),
        for_ms=_GROUPED_MS,
    )
    missing = len(request.catalog.creator_pk) - len(found)  # who came since is new
    return np.append(found, np.full(missing, NEW)) if missing > 0 else found


def creator_groups(
    catalog: Catalog, stats: Stats, at_ms: int, quantile: float
) -> NDArray[np.int64]:
    """Return int64[n_creators]: new by the first upload; else small up to a quantile of views."""
    n = len(catalog.creator_pk)
    first_ms = np.full(n, at_ms)
    np.minimum.at(first_ms, catalog.creator, catalog.uploaded_ms)
    views = stats.by["creator"].all_at(Counted.VIEW, EVER, at_ms)[:n]
    is_new = at_ms - first_ms <= _NEW_DAYS * DAY_MS
    settled = views[~is_new]
    limit = np.quantile(settled, quantile) if len(settled) else 0.0
    return np.where(is_new, NEW, np.where(views <= limit, SMALL, LARGE))


def _above_lowest(score: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return scores above the lowest, so that shares of them mean the same on every scale."""
    known = score[np.isfinite(score)]
    low = float(known.min()) if len(known) else 0.0
    return np.where(np.isfinite(score), score - low, 0.0).astype(np.float64)


def _count(group: NDArray[np.int64], lost: float, total: float) -> None:
    for counter, share in zip(_EXPOSURES, exposure(group, len(GROUPS)).tolist(), strict=True):
        counter.inc(share)
    EXPOSURE_LOST.inc(lost / total if total else 0.0)
