"""Sources that ask once for each interest of a viewer (spec §3.4, §4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.blocks import unit_rows
from apps.candidates.algorithms.interests import InterestParams, Interests, centers, divide
from apps.candidates.algorithms.sequences import recency_weights
from apps.candidates.embeddings import viewer_vector
from apps.candidates.scores import InterestScores, VectorSpace
from apps.candidates.signals import consumed
from apps.candidates.sources.base import Proposer
from apps.candidates.types import Request

_EVENTS = 60  # latest contents that interests are found in
_DECAY_EVENTS = 30.0


@dataclass(frozen=True, slots=True)
class LikeContent(Proposer):
    """What is like what the viewer liked, by what it is: sees a content before anybody met it."""

    name: str = "like_content"

    def __call__(self, request: Request) -> InterestScores | None:
        """Score by the cosine with the nearest interest, above θ."""
        return request.shared(self.name, _like_content)


def _like_content(request: Request) -> InterestScores | None:
    space = request.models.content if request.models else None
    if space is None:
        return None
    params = request.params
    rows, weights = consumed(request, params.content_signal)
    rows, weights = rows[-_EVENTS:], recency_weights(weights[-_EVENTS:], _EVENTS, _DECAY_EVENTS)
    vectors = space.at(rows)
    if not vectors.any():
        return None
    found = divide(vectors, weights, params.interests)
    queries = centers(vectors, weights, found) * _importance(found, params.interests)
    return InterestScores(space, queries, theta=params.content.theta, least=params.content.least)


@dataclass(frozen=True, slots=True)
class EachInterest(Proposer):
    """What is nearest to each interest by itself: the mean of two may be near nothing."""

    name: str = "interests"

    def __call__(self, request: Request) -> InterestScores | None:
        """Score by the largest product; who has one interest only is served by `nearest`."""
        models = request.models
        if models is None:
            return None
        params = request.params
        rows, weights = consumed(request, params.als_signal)
        known = rows < len(models.vectors)
        rows, weights = rows[known][-_EVENTS:], weights[known][-_EVENTS:]
        vectors = unit_rows(models.vectors[rows])
        found = divide(vectors, weights, params.interests)
        if not len(found.medoid):
            return None
        queries = np.stack(
            [
                viewer_vector(models, rows[found.member == i], weights[found.member == i])
                for i in range(len(found.medoid))
            ]
        )
        queries = queries * _importance(found, params.interests)
        return InterestScores(VectorSpace(models.vectors, models.index), queries)


def _importance(found: Interests, params: InterestParams) -> NDArray[np.float32]:
    """Return how much each interest counts, float32[m, 1]; 1 for the most important."""
    share = found.importance / max(float(found.importance[0]), 1e-9)
    return (share**params.importance)[:, None].astype(np.float32)
