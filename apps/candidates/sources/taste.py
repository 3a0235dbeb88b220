"""Sources that read the viewer's latest events: neighbors in sequence, in company, in vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.als import fold_in
from apps.candidates.algorithms.neighbors import Neighbors, score
from apps.candidates.algorithms.sequences import recency_weights
from apps.candidates.conf import CONFIDENCE
from apps.candidates.scores import DenseScores, VectorScores
from apps.candidates.types import Request
from apps.features.history import event_weights

_QUERY_EVENTS = 60  # latest views that a neighbor query reads


def consumed(request: Request) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return rows int64[h] and confidences float32[h] ≥ 0 of the history, in time order.

    A view speaks for its content by whether it was long; every further event adds or takes away.
    """
    return request.shared("consumed", _consumed)


def _consumed(request: Request) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    log = request.query.history
    log = log.take(log.content >= 0)
    weight, is_view, is_long = event_weights(log, request.catalog)
    views = np.where(is_long, CONFIDENCE.long_view, CONFIDENCE.short_view)
    extra = np.where(weight > 0, CONFIDENCE.explicit * weight, weight)
    return merge_repeats(log.content, np.where(is_view, views, extra).astype(np.float32))


def merge_repeats(
    rows: NDArray[np.int64], weights: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Sum the weights of repeated rows at their last place; what is not positive is left out."""
    last_first, index, inverse = np.unique(rows[::-1], return_index=True, return_inverse=True)
    sums = np.bincount(inverse, weights[::-1], minlength=len(last_first)).astype(np.float32)
    order = np.argsort(-index)
    rows, sums = last_first[order], np.minimum(sums[order], CONFIDENCE.most)
    return rows[sums > 0], sums[sums > 0]


@dataclass(frozen=True, slots=True)
class NextItem:
    """What tends to follow the latest contents (spec §3.1 sequences; SLIST, WWW 2021)."""

    name: str
    quota: int
    decay_events: float  # events after which an event of the history counts 1/e

    def __call__(self, request: Request) -> DenseScores | None:
        """Score through the next-item ridge; nothing to say without history."""
        return _through(request, "next_item", self.decay_events)


@dataclass(frozen=True, slots=True)
class ItemItem:
    """What the viewers of the latest contents also watched, at about the same time."""

    name: str
    quota: int
    decay_events: float

    def __call__(self, request: Request) -> DenseScores | None:
        """Score through the co-viewing neighbors; nothing to say without history."""
        return _through(request, "item_item", self.decay_events)


def _through(request: Request, kind: str, decay_events: float) -> DenseScores | None:
    rows, weights = consumed(request)
    if request.models is None or not len(rows):
        return None
    rows, weights = rows[-_QUERY_EVENTS:], weights[-_QUERY_EVENTS:]
    neighbors: Neighbors = getattr(request.models, kind)
    query = recency_weights(weights, _QUERY_EVENTS, decay_events)
    scores = score(neighbors, rows, query, len(neighbors))
    return DenseScores(np.where(scores > 0, scores, np.float32(-np.inf)))


@dataclass(frozen=True, slots=True)
class NearestContent:
    """Contents nearest to the viewer's vector, which is folded in anew from every history."""

    quota: int
    name: str = "nearest"

    def __call__(self, request: Request) -> VectorScores | None:
        """Score by inner product; nothing to say without history."""
        models = request.models
        if models is None:
            return None
        rows, weights = consumed(request)
        known = rows < len(models.vectors)
        if not known.any():
            return None
        vector = fold_in(models.vectors, models.gram, rows[known], weights[known], models.als)
        return VectorScores(models.vectors, models.index, vector)
