"""Three zones of a score, allow, review, block, calibrated per category (spec §10.2)."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

NEVER = 2.0  # above every score

Zone = Literal["allow", "review", "block"]


class Zones(NamedTuple):
    """The thresholds of one category, 0 ≤ review ≤ block; a block of `NEVER` is not reached."""

    review: float
    block: float

    def of(self, score: float) -> Zone:
        """Return the zone of a score: a threshold itself belongs to the zone above it."""
        return "block" if score >= self.block else "review" if score >= self.review else "allow"


def calibrate(
    scores: NDArray[np.float64],
    is_bad: NDArray[np.bool_],
    is_certain: NDArray[np.bool_],
    *,
    clean_flagged: float = 0.0075,
    clean_blocked: float = 0.001,
    least_clean: int = 200,
) -> Zones:
    """Return the thresholds that keep two promises on scores[n] in [0, 1] that nobody fitted on.

    review: the lowest with which at most `clean_flagged` of the texts that are clean for certain
    are flagged. block: the lowest above it with which at most `clean_blocked` of all clean texts
    are, the doubtful too; 2, so never, where there are fewer than `least_clean` to say so. Both
    rest on clean texts alone: how many bad ones a corpus has says nothing about a platform, and
    precision would hang on it. O(n log n). Raises ValueError without a clean text.
    """
    clean = scores[~is_bad]
    certain = scores[~is_bad & is_certain]
    if not len(certain):
        raise ValueError("no clean text to calibrate on")
    review = _just_above(certain, clean_flagged)
    if len(clean) < least_clean:
        return Zones(review, NEVER)
    return Zones(review, max(review, _just_above(clean, clean_blocked)))


def _just_above(clean: NDArray[np.float64], share: float) -> float:
    """Return the lowest threshold that at most this share of scores[m] reaches."""
    ranked = np.sort(clean)
    allowed = math.floor(share * len(clean))
    return float(np.nextafter(ranked[len(clean) - 1 - allowed], 2))
