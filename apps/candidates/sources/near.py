"""What is popular near the viewer: in their language and age group, with the sounds they like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.sequences import recency_weights
from apps.candidates.scores import SparseScores
from apps.candidates.signals import consumed
from apps.candidates.sources.base import Proposer
from apps.candidates.types import Request
from apps.features.stats import WEEK, Counted

_EVENTS = 60  # latest contents whose sounds count
_DECAY_EVENTS = 15.0
_SOUNDS = 8  # liked most
_NEWEST = 50  # contents of a sound that are looked at
_GROUPED_MS = 60_000  # contents of a sound are grouped anew after this
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class PopularNear(Proposer):
    """What viewers of the same language and age group watch; of the language; of all."""

    name: str = "popular_near"

    def __call__(self, request: Request) -> SparseScores | None:
        """Score by the chart of the smallest group that has one."""
        charts = request.models.charts if request.models else None
        if charts is None or not (request.language or request.age_group):
            return None
        chart = charts.of(request.language, request.age_group)
        return None if chart is None else SparseScores(*chart)


@dataclass(frozen=True, slots=True)
class LikedSounds(Proposer):
    """The newest contents with the sounds that the viewer liked lately, the popular ones first."""

    name: str = "liked_sounds"

    def __call__(self, request: Request) -> SparseScores | None:
        """Score by the sound's weight in the history times popularity and freshness."""
        catalog, at_ms = request.catalog, request.query.at_ms
        if not catalog.n_sounds:
            return None
        rows, weights = consumed(request, request.params.content_signal)
        rows, weights = rows[-_EVENTS:], recency_weights(weights[-_EVENTS:], _EVENTS, _DECAY_EVENTS)
        has_sound = catalog.sound[rows] >= 0
        if not has_sound.any():
            return None
        sounds, inverse = np.unique(catalog.sound[rows[has_sound]], return_inverse=True)
        liking = np.bincount(inverse, weights[has_sound])
        best = np.argsort(-liking, kind="stable")[:_SOUNDS]
        found, of_sound = _newest(request, sounds[best])
        kept = catalog.uploaded_ms[found] <= at_ms
        found, of_sound = found[kept], of_sound[kept]
        counts = request.stats.by["content"].at(found, at_ms)[:, Counted.LONG_VIEW, WEEK]
        age_days = (at_ms - catalog.uploaded_ms[found]) / _DAY_MS
        worth = np.log1p(counts) + 1 / (1 + age_days)
        order = np.argsort(found)
        scores = (liking[best][of_sound] * worth).astype(np.float32)
        return SparseScores(found[order], scores[order])


def _newest(
    request: Request, sounds: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows of the newest contents of each sound, and which sound it is, flat."""
    order, keys = request.stats.shared(
        ("by_sound",), request.query.at_ms, lambda: _grouped(request), for_ms=_GROUPED_MS
    )
    starts, ends = np.searchsorted(keys, sounds), np.searchsorted(keys, sounds + 1)
    parts = [
        order[max(start, end - _NEWEST) : end] for start, end in zip(starts, ends, strict=True)
    ]
    rows = np.concatenate(parts)
    of_sound = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    known = rows < len(request.catalog)
    return rows[known], of_sound[known]


def _grouped(request: Request) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the servable rows by sound, the newest last, and their sounds."""
    catalog = request.catalog
    rows = np.flatnonzero(catalog.is_servable & (catalog.sound >= 0))
    order = rows[np.lexsort((catalog.uploaded_ms[rows], catalog.sound[rows]))]
    return order, catalog.sound[order]
