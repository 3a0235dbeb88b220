"""Parameters of the feed."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.params import register
from apps.learning.conf import BUNDLES, PRODUCTION
from apps.ranking.algorithms.bandits import POLICIES


@dataclass(frozen=True, slots=True)
class FeedParams:
    """What an experiment may change about a feed."""

    default_limit: int = 10  # items of a page, 1–50
    max_limit: int = 50
    creator_cap: int = 2  # contents of one creator in a page, ≥ 1
    creator_decay: float = 0.6  # score odds of the next content of a creator in the page, (0, 1]
    sound_cap: int = 4  # contents with one sound in a page, ≥ 1
    tag_cap: int = 8  # contents with one tag in a page, ≥ 1
    theta: float = 0.9  # θ of the DPP, [0, 1]: 1 orders by score alone, 0 by unlikeness alone
    diversity_pool: int = 100  # candidates that a page is picked from, the best
    diversity_window: int = 10  # slots that are unlike each other, over the pages of a scroll
    cold_theta: float = 0.8  # θ for a viewer without history, at most `theta`
    cold_views: float = 2.0  # contents met after which a viewer is less new by a factor e, > 0
    cold_chosen: float = 0.8  # log odds that a category adds which such a viewer chose, 0–3
    ask_slots: int = 50  # of a page, that ask together what the viewer likes, at most; 0: none
    explore_share: float = 0.03  # of the slots, to contents that few have met, 0–0.5
    explore_most: float = 0.15  # the same at most, while uploads are owed more views, 0–0.5
    topic_share: float = 0.01  # of the slots, to categories the viewer may like, 0–0.25
    cold_topic_share: float = 0.02  # the same for a viewer without history, 0–0.5
    explore_policy: str = "thompson"
    explore_prior: float = 10.0  # views that the prior of a content counts as, > 0
    explore_floor: float = 0.9  # of `explore_share`, to contents with less than 30 views, 0–1
    explore_fit: float = 4.0  # power of the expected rate that those are given by, 0 by lot, 0–20
    explore_thrift: float = 2.0  # power of what that is worth beside the page's, 0: alike for all
    exposure_new: float = 0.05  # of the places, to creators of the last week, 0–0.5
    exposure_small: float = 0.1  # of the places, to creators whom few have watched, 0–0.5
    exposure_quantile: float = 0.5  # of creators by views; those up to it are small, 0–1
    exposure_tolerance: float = 0.02  # of a page's score, that this may cost, 0–0.2
    trend_beta: float = 0.5  # β of the trend boost, 0–2: share that a full trend adds to a score
    ranked: int = 200  # candidates that the select ranker scores, the best by rank fusion
    refined: int = 50  # of them, the best, whose heads the trees are asked about too
    reserve: int = 5  # ranked beyond the page, to replace what the last check removes
    bundle: str = PRODUCTION  # the version that answers; set by rollouts
    cursor_seconds: int = 1800  # life of a cursor


PARAMS = FeedParams()

# The rest is agreed with clients: the longest page, and how long a cursor is good for.
register(
    "feed",
    PARAMS,
    {
        "default_limit": (1, 50),
        "creator_cap": (1, 50),
        "creator_decay": (0.01, 1),
        "sound_cap": (1, 50),
        "tag_cap": (1, 50),
        "theta": (0, 1),
        "diversity_pool": (1, 1000),
        "diversity_window": (1, 50),
        "cold_theta": (0, 1),
        "cold_views": (0.1, 1000),
        "cold_chosen": (0, 3),
        "ask_slots": (0, 50),
        "explore_share": (0, 0.5),
        "explore_most": (0, 0.5),
        "topic_share": (0, 0.25),
        "cold_topic_share": (0, 0.5),
        "explore_prior": (0.1, 1000),
        "explore_floor": (0, 1),
        "explore_fit": (0, 20),
        "explore_thrift": (0, 10),
        "exposure_new": (0, 0.5),
        "exposure_small": (0, 0.5),
        "exposure_quantile": (0, 1),
        "exposure_tolerance": (0, 0.2),
        "trend_beta": (0, 2),
        "ranked": (10, 2000),
        "refined": (0, 2000),
        "reserve": (0, 200),
    },
    {"explore_policy": tuple(POLICIES), "bundle": BUNDLES},
)
