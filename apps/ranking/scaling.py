"""Factors on scores of any scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.core.candidates import Candidates


def scaled(candidates: Candidates, factor: NDArray[np.float64]) -> Candidates:
    """Return the candidates with `score` × factor float64[n].

    Where scores can be negative they are taken above the lowest one, so that a factor below 1
    demotes on every scale; what sank to −inf stays there.
    """
    if (factor == 1).all():
        return candidates
    score = candidates["score"]
    is_finite = np.isfinite(score)
    floor = score[is_finite].min(initial=0)  # 0 where no score is negative
    return candidates.with_columns(
        score=np.where(is_finite, (score - floor) * factor + floor, score)
    )
