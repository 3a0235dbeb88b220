"""Sources of candidates; this list is the one place that names those in use, in order.

A slate stores its sources as bits in this order: new ones go to the end.
"""

from __future__ import annotations

from apps.candidates.sources.crowd import FollowedCreators, Fresh, Popular, Trending
from apps.candidates.sources.explore import Explore
from apps.candidates.sources.interests import EachInterest, LikeContent
from apps.candidates.sources.kinds import LikedKinds
from apps.candidates.sources.near import LikedSounds, PopularNear
from apps.candidates.sources.neighbors import Hybrid, SimilarViewers
from apps.candidates.sources.taste import ItemItem, NearestContent, NextItem
from apps.candidates.types import Request
from apps.core.pipeline import Source
from apps.features.stats import DAY, EVER, HOURS_6, WEEK

SOURCES: tuple[Source[Request], ...] = (
    FollowedCreators(),
    NextItem("just_after"),
    NextItem("next_item"),
    ItemItem(),
    NearestContent(),
    Popular("popular_6h", HOURS_6),
    Popular("popular_1d", DAY),
    Popular("popular_7d", WEEK),
    Popular("popular_ever", EVER),
    Trending(),
    Fresh(),
    LikeContent(),
    EachInterest(),
    SimilarViewers(),
    Hybrid(),
    LikedSounds(),
    PopularNear(),
    Explore(),
    LikedKinds(),
)
SOURCE_NAMES: tuple[str, ...] = tuple(source.name for source in SOURCES)
