"""A page asks as a whole what a viewer likes: not the same question in every slot (spec §4.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from apps.candidates import taste
from apps.candidates.algorithms.taste import in_batch
from apps.candidates.types import Request
from apps.core.candidates import Candidates


@dataclass(frozen=True, slots=True)
class Asking:
    """Takes the credit of an unknown liking from a kind's next contents, slot by slot."""

    slots: Callable[[Request], int]  # that ask together; 0: none
    name: str = "asking"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the same candidates with changed `score`; `adds.asking` ≤ 0 says by what."""
        slots, score = self.slots(request), candidates["score"]
        is_finite = np.isfinite(score)
        if not slots or not is_finite.any():
            return candidates
        floor = min(float(score[is_finite].min()), 0.0)
        found = taste.values_of(request, candidates.rows)
        asked = in_batch(
            np.where(is_finite, score - floor, 0.0),
            found.expected,
            found.kind,
            request.params.taste,
            slots=slots,
        )
        score = np.where(is_finite, score, floor)
        taken = np.where(is_finite, asked + floor - score, 0)
        return candidates.with_columns(score=candidates["score"] + taken, **{"adds.asking": taken})
