"""The catalogue as columns, and what the API says about a content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from apps.profiles.types import PublicId, ShortText

MAX_TAGS = 8  # tags of a content that models see; the table keeps all


@dataclass(frozen=True, slots=True)
class Catalog:
    """All contents, one row each; a row never moves while a process lives, new ones append.

    Creators, sounds, tags, categories and languages are numbered 0..m−1 in order of first
    appearance; −1 means none.
    """

    content_pk: NDArray[np.int64]  # [n] database key of each row
    creator: NDArray[np.int64]  # [n] creator row
    sound: NDArray[np.int64]  # [n]
    category: NDArray[np.int64]  # [n]
    language: NDArray[np.int64]  # [n]
    tags: NDArray[np.int64]  # [n, MAX_TAGS], padded with −1
    duration_seconds: NDArray[np.float32]  # [n], NaN where unknown
    uploaded_ms: NDArray[np.int64]  # [n] ms since 1970 UTC
    changed_ms: NDArray[np.int64]  # [n] stamp of the last change that was read
    is_servable: NDArray[np.bool_]  # [n]
    is_age_restricted: NDArray[np.bool_]  # [n] for viewers known to be adults
    is_reach_limited: NDArray[np.bool_]  # [n] for followers of its creator
    creator_pk: NDArray[np.int64]  # [n_creators] database key of each creator row
    languages: tuple[str, ...]
    categories: tuple[str, ...]
    n_sounds: int
    n_tags: int
    pk_order: NDArray[np.int64]  # [n] rows in ascending order of content_pk
    creator_pk_order: NDArray[np.int64]  # [n_creators] likewise
    # [n_sounds] database key of each sound row
    sound_pk: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    tag_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.content_pk)

    def rows_of(self, content_pks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each database key, −1 where there is none."""
        return _lookup(self.content_pk, self.pk_order, content_pks)

    def creator_rows_of(self, creator_pks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the creator row of each database key, −1 where there is none."""
        return _lookup(self.creator_pk, self.creator_pk_order, creator_pks)

    def category_codes(self, names: Iterable[str]) -> NDArray[np.int64]:
        """Return the codes of the categories of these names that some content has, int64[m]."""
        codes = {name: code for code, name in enumerate(self.categories)}
        return np.array([codes[name] for name in names if name in codes], np.int64)

    def keys_of(self, entity: str) -> NDArray | None:
        """Return what names each row of an entity in the database, None for what is not numbered.

        Keys hold for every process; rows hold for this one.
        """
        return {
            "content": self.content_pk,
            "creator": self.creator_pk,
            "sound": self.sound_pk,
            "category": np.array(self.categories, np.str_),
            "language": np.array(self.languages, np.str_),
            "tag": np.array(self.tag_names, np.str_),
        }.get(entity)


def used_tags(tags: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the columns of tags int64[n, t] up to the last that holds one, at least one."""
    return tags[:, : max(int((tags >= 0).any(axis=0).sum()), 1)]


def _lookup(
    keys: NDArray[np.int64], order: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    rows = order[at]
    return np.where(keys[rows] == wanted, rows, -1)


class ContentMetadata(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Spec §2.2: what is known about a content; what is left out stays as it is."""

    description: Annotated[str, Meta(max_length=5000)] | None = None
    tags: Annotated[list[ShortText], Meta(max_length=50)] | None = None
    audio_id: PublicId | None = None
    category: Annotated[str, Meta(max_length=64)] | None = None
    language: Annotated[str, Meta(max_length=16)] | None = None
    duration: Annotated[float, Meta(gt=0, le=86_400, description="seconds")] | None = None
    media_url: Annotated[str, Meta(max_length=500)] | None = None
    visual_features: Annotated[list[float], Meta(max_length=4096)] | None = None
    audio_features: Annotated[list[float], Meta(max_length=4096)] | None = None


Status = Literal["active", "hidden"]


class ContentOut(msgspec.Struct, frozen=True):
    """A content as it stands, what moderation decided included; feature vectors are not told."""

    content_id: str
    creator_id: str
    upload_timestamp: datetime
    status: Literal["active", "hidden", "removed"]
    is_age_restricted: bool  # shown to viewers known to be adults
    is_reach_limited: bool  # by a decision, or until one is made: shown to followers only
    metadata: ContentMetadata


class ContentUpsert(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Create or change a content; `creator_id` is needed to create one."""

    creator_id: PublicId | None = None
    upload_timestamp: datetime | None = None
    status: Status | None = None
    metadata: ContentMetadata = ContentMetadata()


class ContentRow(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One content of a batch."""

    content_id: PublicId
    creator_id: PublicId | None = None
    upload_timestamp: datetime | None = None
    status: Status | None = None
    metadata: ContentMetadata = ContentMetadata()


class Rejected(msgspec.Struct, frozen=True):
    """One row of a batch that was refused; the others went in."""

    index: int
    content_id: str | None  # None: it could not be read
    code: str
    detail: str


class BatchAnswer(msgspec.Struct, frozen=True):
    """What became of a batch of contents."""

    accepted: int
    rejected: list[Rejected]
