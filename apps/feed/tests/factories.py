"""Pages of a feed, as they are asked for."""

from __future__ import annotations

from typing import Any

from apps.content.tests.factories import NOW_MS
from apps.feed.services import for_user
from apps.feed.types import FeedAnswer, FeedQuery

SKIPPED_BEFORE_TRAINING = ["scorer:learned_select"]


def feed(user_id: str = "alice", *, now_ms: int = NOW_MS, **query: Any) -> FeedAnswer:
    return for_user(FeedQuery(user_id, **query), now_ms=now_ms)


def ids(answer: FeedAnswer) -> list[str]:
    return [item.content_id for item in answer.items]


def scroll(user_id: str = "alice", *, limit: int = 10, most: int = 50) -> list[FeedAnswer]:
    """Return pages until an empty one comes."""
    pages = [feed(user_id, limit=limit)]
    while pages[-1].next_cursor and len(pages) < most:
        now_ms = NOW_MS + 1000 * len(pages)
        pages.append(feed(user_id, limit=limit, cursor=pages[-1].next_cursor, now_ms=now_ms))
    return pages
