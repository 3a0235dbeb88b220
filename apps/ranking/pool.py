"""A candidate within its pool: what each source thinks of it, and of it among the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.candidates.sources import SOURCE_NAMES
from apps.core.candidates import Candidates

_KINDS = ("score", "z", "rank")
FEATURE_NAMES: tuple[str, ...] = (
    *(f"{kind}.{name}" for kind in _KINDS for name in SOURCE_NAMES),
    "n_sources",
)
_FUSION_K = 60.0
# Sources that say much the same: together they have one vote. Four charts of almost the same
# contents would else outvote what is known of the viewer.
_KINDRED = (
    ("popular_6h", "popular_1d", "popular_7d", "popular_ever", "popular_near"),
    ("just_after", "next_item"),
    ("item_item", "nearest", "interests", "similar_viewers"),
    ("like_content", "hybrid"),
)
_ALONE = tuple((name,) for name in SOURCE_NAMES if name not in {n for k in _KINDRED for n in k})
_VOTERS = tuple([SOURCE_NAMES.index(name) for name in kind] for kind in (*_KINDRED, *_ALONE))


@dataclass(frozen=True, slots=True)
class Opinions:
    """The sources' scores over a pool, and the places that they give."""

    scores: NDArray[np.float32]  # [n, n_sources], NaN: no opinion
    places: NDArray[np.int64]  # [n, n_sources], 0 for the best; meaningless without an opinion
    n_proposers: NDArray[np.uint8]  # [n] sources that proposed the candidate


def opinions(candidates: Candidates) -> Opinions:
    """Return what the sources think of the candidates."""
    scores = np.stack([candidates[f"score.{name}"] for name in SOURCE_NAMES])
    return Opinions(scores.T, _places(scores).T, np.bitwise_count(candidates["sources"]))


def _places(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the place of each score in its row, int64 of the same shape, 0 for the highest.

    Of equal scores the first comes first, what is not finite last. The bits of a float32, read as a
    whole number, ascend with its value, where it is negative once all but the sign are turned over.
    With the column in the lower half no two keys are equal, and the fastest sort is a stable one.
    """
    rows, columns = scores.shape
    bits = np.where(np.isfinite(scores), 0 - scores, np.float32(np.inf)).view(np.int32)
    keys = np.where(bits < 0, bits ^ np.int32(2**31 - 1), bits).astype(np.int64) << 32
    order = np.sort(keys | np.arange(columns), axis=1) & (2**32 - 1)
    places = np.empty_like(order)
    places[np.arange(rows)[:, None], order] = np.arange(columns)
    return places


def pool_features(
    given: Opinions, kept: NDArray[np.int64] | slice = slice(None)
) -> NDArray[np.float32]:
    """Return float32[k, len(FEATURE_NAMES)] of the candidates at positions `kept` int64[k].

    Scores, z-scores, ranks, and the number of proposers. The z-score is over the pool; the rank is
    log2(2 + place). No opinion gives NaN. Learning over all of them is what makes several sources
    better than the best (learned fusion).
    """
    scores = given.scores
    known = np.isfinite(scores)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, scores, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, scores - mean, 0) ** 2).sum(axis=0) / count)
    scores = scores[kept]
    z = (scores - mean) / np.maximum(spread, 1e-6)
    rank = np.where(known[kept], np.log2(2 + given.places[kept]), np.nan)
    columns = [scores, z, rank, given.n_proposers[kept, None]]
    return np.concatenate(columns, axis=1, dtype=np.float32)


def rank_fusion(given: Opinions) -> NDArray[np.float64]:
    """Return Σ_sources 1 / (60 + rank), float64[n]: rank fusion (Cormack et al. 2009)."""
    return np.asarray(_votes(given).sum(axis=1))


def kindred_fusion(given: Opinions) -> NDArray[np.float64]:
    """Return rank fusion with one vote a kind of sources, its highest, float64[n]."""
    votes = _votes(given)
    return np.asarray(sum(votes[:, kind].max(axis=1) for kind in _VOTERS))


def _votes(given: Opinions) -> NDArray[np.float64]:
    return np.where(np.isfinite(given.scores), 1 / (_FUSION_K + 1 + given.places), 0)
