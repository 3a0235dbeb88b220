"""Features of a candidate within its pool: what each source thinks of it (learned fusion)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.core.candidates import Candidates


def pool_feature_names(sources: Sequence[str]) -> list[str]:
    """Return the names of the columns of `pool_features`, in order."""
    kinds = ("score", "z", "rank")
    return [f"{kind}.{name}" for kind in kinds for name in sources] + ["n_sources"]


def pool_features(candidates: Candidates, sources: Sequence[str]) -> NDArray[np.float32]:
    """Return float32[n, 3·len(sources) + 1]: every source's score, z-score and rank, and a count.

    The z-score is over the pool; the rank is log2(1 + place), the place among those scored. A
    source without an opinion gives NaN.
    """
    scores = np.stack([candidates[f"score.{name}"] for name in sources], axis=1)
    known = np.isfinite(scores)
    count = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, scores, 0)
    mean = filled.sum(axis=0) / count
    spread = np.sqrt((np.where(known, scores - mean, 0) ** 2).sum(axis=0) / count)
    z = (scores - mean) / np.maximum(spread, 1e-6)
    order = np.argsort(np.where(known, -scores, np.inf), axis=0, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(len(scores))[:, None], axis=0)
    rank = np.where(known, np.log2(2 + place), np.nan)
    proposers = np.bitwise_count(candidates["sources"])
    return np.concatenate([scores, z, rank, proposers[:, None]], axis=1, dtype=np.float32)


def rank_fusion(candidates: Candidates, sources: Sequence[str], *, k: float = 60) -> NDArray:
    """Return Σ_sources 1 / (k + place), float64[n]: reciprocal rank fusion (Cormack et al. 2009)."""
    fused = np.zeros(len(candidates))
    for name in sources:
        score = candidates[f"score.{name}"]
        known = np.flatnonzero(np.isfinite(score))
        place = np.argsort(np.argsort(-score[known], kind="stable"), kind="stable")
        fused[known] += 1 / (k + 1 + place)
    return fused
