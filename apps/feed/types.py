"""What a feed is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from apps.candidates.restrictions import Restriction
from apps.features.types import Context


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """What a client asks for."""

    user_id: str
    limit: int | None = None  # None: as many as the parameters say
    cursor: str | None = None
    mode: str = "foryou"  # one of `apps.feed.modes.MODES`
    unseen: int = 0  # contents before the cursor that were not shown, to be ranked again
    explain: bool = False  # add score terms and cards
    context: Context = Context()
    restriction: Restriction | None = None
    exclude: tuple[str, ...] = ()  # content ids that the caller does not want


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


class ViewerExposure(msgspec.Struct, frozen=True):
    """Where a content stands for one viewer now."""

    proposed_by: list[str]  # sources
    rank: int | None  # 1 is the first; null: not among those ranked
    candidates: int  # proposed for this viewer
    ranked: int  # of them, the best by rank fusion


class ContentExposure(msgspec.Struct, frozen=True):
    """How much a content was shown, and what keeps it away."""

    content_id: str
    views: int
    long_views: int
    pool: int | None  # views below which it is explored: 30, 100 or 300; null: graduated
    slates_read: int  # of the last 24 hours, the latest, at most 5,000
    shown: int  # of them have it
    explored: int  # of those by an exploring slot
    best_position: int | None  # in a scroll, of those; 0 is the first
    removed_by: list[str]  # filters that remove it, for anybody or for the viewer asked about
    viewer: ViewerExposure | None = None  # with user_id


class FeedAnswer(msgspec.Struct, frozen=True):
    """One page of a feed."""

    request_id: str
    items: list[FeedItem]
    next_cursor: str | None
    degraded: list[str]  # what was skipped on the way
    ranker: str
    experiment: dict[str, str]


class ModeStated(msgspec.Struct, frozen=True):
    """A feed that a viewer may choose."""

    name: str
    about: str
    is_personal: bool  # follows from what the viewer did


class Criterion(msgspec.Struct, frozen=True):
    """One of the things that the order of the feed adds up."""

    name: str
    says: str
    weight: float  # of what is expected over what is expected on average; < 0 counts against


class Step(msgspec.Struct, frozen=True):
    """One step on the way to a page."""

    name: str
    says: str


class Choice(msgspec.Struct, frozen=True):
    """Something that a viewer may do about it, and how an app asks for it."""

    says: str
    how: str


class Statement(msgspec.Struct, frozen=True):
    """The main parameters of the feed."""

    modes: list[ModeStated]
    is_learned: bool  # False: nothing has been trained yet, criteria wait for it
    objective: int  # version of the criteria; 0: built in
    criteria: list[Criterion]  # the heaviest first
    proposes: list[Step]
    removes: list[Step]
    adjusts: list[Step]  # in order
    choices: list[Choice]
