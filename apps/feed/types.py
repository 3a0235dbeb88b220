"""What a feed answers."""

from __future__ import annotations

from uuid import UUID

import msgspec


class ContentCard(msgspec.Struct, frozen=True):
    """What a person needs to see of a content."""

    description: str
    category: str
    tags: list[str]
    creator_name: str
    sound: str
    duration: float | None  # seconds
    media_url: str


class FeedItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One content to show."""

    content_id: str
    creator_id: str
    position: int  # 0 is the first of the scroll
    score: float
    source: str  # the source that placed it highest
    reason: str  # in plain words, for the viewer
    terms: dict[str, float] | None = None  # with explain: what the rankers expect of it
    content: ContentCard | None = None  # with explain


class ListItem(msgspec.Struct, frozen=True):
    """One content of a list; the score orders the list and means nothing beyond it."""

    content_id: str
    creator_id: str
    score: float


class ListAnswer(msgspec.Struct, frozen=True):
    """A list of contents, best first."""

    items: list[ListItem]


class Neighbor(msgspec.Struct, frozen=True):
    """One viewer like the one asked about."""

    viewer: UUID  # pseudonym: the user id is not stored
    similarity: float  # cosine of the two viewers' vectors, 0–1
    n_both_met: int  # contents that both met lately


class NeighborsAnswer(msgspec.Struct, frozen=True):
    """Viewers most like one viewer, the most alike first; empty before the first training."""

    viewer: UUID  # pseudonym of the viewer asked about
    neighbors: list[Neighbor]


class FeedAnswer(msgspec.Struct, frozen=True):
    """One page of a feed."""

    request_id: str
    items: list[FeedItem]
    next_cursor: str | None
    degraded: list[str]  # what was skipped on the way
    ranker: str
    experiment: dict[str, str]
