"""Why a content is shown, in plain words for the viewer."""

from __future__ import annotations

_REASONS = {
    "followed": "You follow {creator}",
    "just_after": "Often watched right after what you just watched",
    "next_item": "Goes on from what you watched lately",
    "item_item": "Watched by people who watched the same as you",
    "nearest": "Close to your taste",
    "popular_6h": "Popular right now",
    "popular_1d": "Popular today",
    "popular_7d": "Popular this week",
    "popular_ever": "A favorite of many",
    "trending": "On the rise",
    "fresh": "New",
    "like_content": "Like what you liked",
    "interests": "Close to one of your interests",
    "similar_viewers": "Liked by people with your taste",
    "hybrid": "Like what you liked, and liked by people with your taste",
    "liked_sounds": "With a sound you liked",
    "popular_near": "Popular among people like you",
    "liked_kinds": "Of a kind that you may like",
    "explore": "Be among the first to see it",
    "editorial": "Picked by the editors",
}


def reason_of(source: str, creator: str) -> str:
    """Return the sentence for the source that placed the content highest."""
    return _REASONS.get(source, "Picked for you").format(creator=creator)
