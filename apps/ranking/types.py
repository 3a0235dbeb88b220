"""What rankers predict."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apps.ranking.inputs import Inputs

# What came of pairs: one float32[n] a head, in [0, 1], NaN where it is not known.
Labels = dict[str, NDArray[np.float32]]


class Head(StrEnum):
    """One outcome of showing a content to a viewer; its probability is a head of the ranker."""

    LONG_VIEW = "long_view"
    CLICK = "click"  # of what plays by itself: stayed for 7 s
    COMPLETE = "complete"
    REPLAY = "replay"
    LIKE = "like"
    COMMENT = "comment"
    SHARE = "share"
    SAVE = "save"
    FOLLOW = "follow"
    SKIP = "skip"
    HIDE = "hide"
    REPORT = "report"


WATCH_SECONDS = "watch_seconds"  # beside the heads: the expected time, in seconds
SELECT = "select"  # beside the heads: which candidate of a pool the viewer will watch next
# Beside the heads, and learned like one: where the watch time stands among contents as long.
WATCH_QUANTILE = "watch_quantile"
LEARNED: tuple[str, ...] = (*(head.value for head in Head), WATCH_QUANTILE)
NEURAL, BOOSTED = "neural", "boosted"


class Ranker(Protocol):
    """Something that learned from pairs what viewers do."""

    name: str

    @property
    def heads(self) -> tuple[str, ...]:
        """Return what is predicted."""

    def predict(self, inputs: Inputs) -> dict[str, NDArray[np.float64]]:
        """Return each head's probability, float64[n]."""

    def partial_fit(self, inputs: Inputs, labels: Labels) -> float | None:
        """Learn from new examples and return their loss beforehand; None: cannot, did not."""

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs."""
