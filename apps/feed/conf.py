"""Parameters of the feed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedParams:
    """What an experiment may change about a feed."""

    default_limit: int = 10  # items of a page, 1–50
    max_limit: int = 50
    creator_cap: int = 2  # contents of one creator in a page, ≥ 1
    creator_decay: float = 0.6  # score odds of the next content of a creator in the page, (0, 1]
    ranked: int = 200  # candidates that the select ranker scores, the best by rank fusion
    reserve: int = 20  # ranked beyond the page, to replace what the last check removes
    cursor_seconds: int = 1800  # life of a cursor


PARAMS = FeedParams()
