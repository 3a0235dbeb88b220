"""Scorers, from the best to the one that cannot fail: the ladder of a feed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates import taste
from apps.candidates.index import best_rows
from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.core.errors import RecsysError
from apps.features.selectors import NAMES
from apps.ranking import cascade
from apps.ranking.objective import Objective
from apps.ranking.pool import kindred_fusion, opinions, rank_fusion
from apps.ranking.rankers import Rankers, request_inputs, select_features
from apps.ranking.select import HOPE

TASTE_ORDER = "taste_order"
_EXPLORE = SOURCE_NAMES.index("explore")
_HOPED_FOR = 50  # candidates that are scored for what the viewer may like, where a page explores


class NoRankerError(RecsysError):
    """There is no trained ranker."""


class Depth(NamedTuple):
    """How many candidates each step of the cascade takes."""

    ranked: int  # that are scored, the best by rank fusion
    refined: int  # of them, the best, whose heads the trees are asked about too
    explores: bool = False  # what was drawn to be explored is scored as well


@dataclass(frozen=True, slots=True)
class LearnedSelect:
    """Scores by the objective: the best candidates by rank fusion, through the cascade."""

    rankers: Callable[[Request], Rankers | None]
    depth: Callable[[Request], Depth]
    objective: Callable[[], Objective] = Objective
    name: str = "learned_select"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the `ranked` best candidates with `score` and the matrix column `features`.

        What each term has added is in the columns `adds.<term>`, the version in `objective`.
        """
        rankers = self.rankers(request)
        if rankers is None or not rankers.select.is_learned:
            raise NoRankerError("no ranker is trained yet; run manage.py train")
        given, depth = opinions(candidates), self.depth(request)
        kept = _kept(candidates, rank_fusion(given), depth)
        features = select_features(request, candidates, given, kept)
        candidates = candidates.take(kept)
        of_pairs = features[:, -len(NAMES) :]
        inputs = request_inputs(request, candidates.rows, of_pairs)
        objective = self.objective().under(request.overrides)
        scored = cascade.score(rankers, objective, features, inputs, refined=depth.refined)
        return candidates.with_columns(
            score=scored.score,
            features=features,
            objective=np.full(len(candidates), objective.version),
            **{f"adds.{term}": values for term, values in scored.adds.items()},
        )


@dataclass(frozen=True, slots=True)
class TasteOrder:
    """Scores by what the viewer's own latest views say of contents: needs nothing trained.

    What is uncertain about the viewer's taste is given credit. The matrix column `features` is that
    of `LearnedSelect`, NaN for all but the best.
    """

    depth: Callable[[Request], Depth]
    name: str = TASTE_ORDER

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the candidates with `score`."""
        if not len(candidates):
            return candidates.with_columns(score=np.empty(0))
        score = taste.hope_of(request, candidates.rows)
        # Slates keep what the learned ranker would have seen: it learns from them.
        kept = _kept(candidates, score, self.depth(request))
        seen = select_features(request, candidates, opinions(candidates), kept)
        features = np.full((len(candidates), seen.shape[1]), np.nan, np.float32)
        features[kept] = seen
        return candidates.with_columns(score=score, features=features)


def _kept(candidates: Candidates, score: NDArray[np.float64], depth: Depth) -> NDArray[np.int64]:
    """Return the positions int64[k] of the best candidates, and of those that explore.

    That is what was drawn, and what the viewer may like best: no crowd knows of that yet.
    """
    kept = best_rows(score, depth.ranked)
    if not depth.explores:
        return kept
    explores = (candidates["sources"] >> _EXPLORE) & 1 == 1
    hope = np.nan_to_num(candidates[HOPE], nan=-np.inf)
    explores[best_rows(hope, _HOPED_FOR)] = True
    explores[kept] = False
    return np.concatenate([kept, np.flatnonzero(explores)])


@dataclass(frozen=True, slots=True)
class RankFusion:
    """Scores by reciprocal rank fusion of the sources: needs nothing learned."""

    name: str = "rank_fusion"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the candidates with `score`."""
        return candidates.with_columns(score=kindred_fusion(opinions(candidates)))
