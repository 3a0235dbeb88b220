"""Sources of candidates; this list is the one place that names those in use, in order."""

from __future__ import annotations

from apps.candidates.sources.crowd import FollowedCreators, Fresh, Popular, Trending
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
)
SOURCE_NAMES: tuple[str, ...] = tuple(source.name for source in SOURCES)
