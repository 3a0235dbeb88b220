"""Sources that read the viewer's latest events: neighbors in sequence, in company, in vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.neighbors import Neighbors, score, score_rows
from apps.candidates.algorithms.sequences import recency_weights
from apps.candidates.embeddings import viewer_vector
from apps.candidates.scores import DenseScores, SparseScores, TimelyScores, VectorScores
from apps.candidates.signals import consumed
from apps.candidates.sources.base import Proposer
from apps.candidates.sources.crowd import Popular
from apps.candidates.types import Request
from apps.features.stats import HOURS_6

_DENSE_UP_TO = 20_000  # contents; beyond it only those that are pointed at are looked at
_QUERY_EVENTS = 60  # latest views that a neighbor query reads
_LATELY = Popular("popular_6h", HOURS_6)


@dataclass(frozen=True, slots=True)
class NextItem(Proposer):
    """What tends to follow the latest contents (spec §3.1 sequences; SLIST, WWW 2021)."""

    name: str  # also of its decay in `QueryParams`

    def __call__(self, request: Request) -> DenseScores | SparseScores | None:
        """Score through the next-item ridge; nothing to say without history."""
        return _through(request, "next_item", getattr(request.params.query, self.name))


@dataclass(frozen=True, slots=True)
class ItemItem(Proposer):
    """What the viewers of the latest contents also watched, at about the same time."""

    name: str = "item_item"

    def __call__(self, request: Request) -> DenseScores | SparseScores | None:
        """Score through the co-viewing neighbors; nothing to say without history."""
        return _through(request, "item_item", request.params.query.item_item)


def _through(request: Request, kind: str, decay_events: float) -> DenseScores | SparseScores | None:
    rows, weights = consumed(request, getattr(request.params, f"{kind}_signal"))
    if request.models is None or not len(rows):
        return None
    rows, weights = rows[-_QUERY_EVENTS:], weights[-_QUERY_EVENTS:]
    neighbors: Neighbors = getattr(request.models, kind)
    query = recency_weights(weights, _QUERY_EVENTS, decay_events)
    if len(neighbors) > _DENSE_UP_TO:
        found, sums = score_rows(neighbors, rows, query)
        return SparseScores(found[sums > 0], sums[sums > 0])
    scores = score(neighbors, rows, query, len(neighbors))
    return DenseScores(np.where(scores > 0, scores, np.float32(-np.inf)))


@dataclass(frozen=True, slots=True)
class NearestContent(Proposer):
    """Contents nearest to the viewer's vector, which is folded in anew from every history.

    Of those as near, what many watch now comes first: the vectors know no hour (ADR 35).
    """

    name: str = "nearest"

    def __call__(self, request: Request) -> VectorScores | TimelyScores | None:
        """Score by inner product and popularity; nothing to say without history."""
        vector = own_vector(request)
        if request.models is None or vector is None:
            return None
        near = VectorScores(request.models.vectors, request.models.index, vector)
        weight = request.params.timeliness
        return TimelyScores(near, _LATELY(request), weight) if weight else near


def own_vector(request: Request) -> NDArray[np.float32] | None:
    """Return the viewer's vector in the collaborative space, None for who met nothing known.

    The latest events count most, as `query.nearest` says.
    """
    return request.shared("own_vector", _own_vector)


def _own_vector(request: Request) -> NDArray[np.float32] | None:
    models = request.models
    if models is None:
        return None
    rows, weights = consumed(request, models.params.als_signal)
    known = rows < len(models.vectors)
    if not known.any():
        return None
    rows, weights = rows[known], weights[known]
    lately = recency_weights(weights, len(rows), request.params.query.nearest)
    return viewer_vector(models, rows, lately)
