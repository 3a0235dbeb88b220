"""The order of sources that know no viewer: by the first, then what only the next knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.candidates.types import Request
from apps.core.candidates import Candidates


@dataclass(frozen=True, slots=True)
class InTurn:
    """Orders by the scores of the first source, then by those of the next what it has none for.

    Of equals the newest comes first, to the millisecond: float32 scores of age do not tell that.
    """

    sources: tuple[str, ...]  # names, at least one
    name: str = "in_turn"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return all candidates in order; `score` is that of the source that placed them."""
        given = np.stack([candidates[f"score.{name}"] for name in self.sources])  # [sources, n]
        ranked = np.nan_to_num(-given, nan=np.inf)
        newest = -request.catalog.uploaded_ms[candidates.rows]
        order = np.lexsort([newest, *ranked[::-1]])  # the last key is the first
        at = np.argmax(np.isfinite(given), axis=0)
        score = np.take_along_axis(given, at[None], axis=0)[0] if len(candidates) else given[0]
        return candidates.with_columns(score=score).take(order)
