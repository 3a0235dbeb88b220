"""Sources that ask the viewers most like this one, alone and beside what contents are (§4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.viewer_knn import predict
from apps.candidates.index import best_rows
from apps.candidates.scores import InterestScores, Scale, SparseScores
from apps.candidates.signals import consumed
from apps.candidates.sources.base import Proposer
from apps.candidates.sources.interests import LikeContent
from apps.candidates.sources.taste import own_vector
from apps.candidates.types import Request
from apps.core.candidates import Rows

_WIDER = 3  # times what is wanted: of each parent's list, for their mixture


@dataclass(frozen=True, slots=True)
class SimilarViewers(Proposer):
    """What the viewers with the most similar vectors rate above what is expected."""

    name: str = "similar_viewers"

    def __call__(self, request: Request) -> SparseScores | None:
        """Score by r̂ of the neighborhood; a new event moves the vector and so the neighbors."""
        return request.shared(self.name, _similar_viewers)


def _similar_viewers(request: Request) -> SparseScores | None:
    viewers = request.models.viewers if request.models else None
    vector = own_vector(request)
    if viewers is None or vector is None:
        return None
    params = request.params.viewers
    neighbors, cosine = viewers.nearest(vector, params.k, without=request.query.viewer)
    if not len(neighbors):
        return None
    owner, contents, ratings = viewers.met(neighbors)
    _, mine = consumed(request, request.params.viewers_signal)
    n = len(viewers.baseline.contents)
    rows, expected = predict(
        cosine**params.sharpness,
        owner,
        contents,
        ratings,
        viewers.baseline,
        viewer_bias=float(mine.sum() - viewers.baseline.mean * n) / (n + params.damping),
        neighbors=neighbors,
        shrinkage=params.shrinkage,
        unmet=0.0,
    )
    return SparseScores(rows, expected)


@dataclass(frozen=True, slots=True)
class Mixture:
    """α·z(content) + (1 − α)·z(collaborative): z-scores, for the two scales do not compare."""

    alpha: float
    content: InterestScores
    crowd: SparseScores
    scales: tuple[Scale, Scale]

    def top(self, k: int, excluded: NDArray[np.bool_]) -> Rows:
        """Return at most k rows of both parents' lists, best first, none excluded."""
        depth = _WIDER * k
        lists = self.content.nearest(depth, excluded), self.crowd.top(depth, excluded)
        rows = np.unique(np.concatenate(lists))
        return np.asarray(rows[best_rows(self.at(rows), k)])

    def at(self, rows: Rows) -> NDArray[np.float32]:
        """Return the score of each row, NaN where neither parent has an opinion."""
        content, crowd = self.content.at(rows), self.crowd.at(rows)
        mixed = self.alpha * self.scales[0].z(content) + (1 - self.alpha) * self.scales[1].z(crowd)
        is_known = np.isfinite(content) | np.isfinite(crowd)
        return np.where(is_known, mixed, np.nan).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Hybrid(Proposer):
    """What both what a content is and who met it speak for; the newer the viewer, the more the
    former counts.
    """

    name: str = "hybrid"

    def __call__(self, request: Request) -> Mixture | None:
        """Mix the parents with α = κ/(κ + n), n the contents that the viewer met."""
        content, crowd = LikeContent()(request), SimilarViewers()(request)
        if content is None or crowd is None:
            return None  # the other one proposes by itself
        met, _ = consumed(request, request.params.als_signal)
        kappa = request.params.kappa
        return mixture(kappa / (kappa + len(met)), content, crowd)


def mixture(alpha: float, content: InterestScores, crowd: SparseScores) -> Mixture:
    """Return the mixture of two parents; α = 1 or 0 gives one parent's own order."""
    return Mixture(alpha, content, crowd, (content.scale(), crowd.scale()))
