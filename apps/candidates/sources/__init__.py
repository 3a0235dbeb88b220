"""Sources of candidates; this list is the one place that names those in use, in order."""

from __future__ import annotations

from apps.candidates.sources.crowd import FollowedCreators, Fresh, Popular, Trending
from apps.candidates.sources.taste import ItemItem, NearestContent, NextItem
from apps.candidates.types import Request
from apps.core.pipeline import Source
from apps.features.stats import DAY, EVER, HOURS_6, WEEK

SOURCES: tuple[Source[Request], ...] = (
    FollowedCreators(quota=40),
    NextItem("just_after", quota=60, decay_events=4.0),
    NextItem("next_item", quota=80, decay_events=10.0),
    ItemItem("item_item", quota=80, decay_events=10.0),
    NearestContent(quota=200),
    Popular("popular_6h", HOURS_6, quota=40),
    Popular("popular_1d", DAY, quota=60),
    Popular("popular_7d", WEEK, quota=40),
    Popular("popular_ever", EVER, quota=40),
    Trending(quota=40),
    Fresh(quota=50),
)
SOURCE_NAMES: tuple[str, ...] = tuple(source.name for source in SOURCES)
