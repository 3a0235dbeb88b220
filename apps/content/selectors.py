"""Read the catalogue: as columns for the pipeline, as keys for everybody else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from apps.content.catalog import CatalogReader
from apps.content.models import Comment, Content
from apps.content.types import Catalog
from apps.core.live import Live


class ContentKey(NamedTuple):
    """The keys of a content and of its creator, and how long it is."""

    pk: int
    creator_pk: int
    duration_seconds: float | None = None


class Described(NamedTuple):
    """What is known about a content beside the columns of the catalogue."""

    description: str
    tags: list[str]
    category: str
    sound_pk: int | None
    visual_features: list[float] | None
    audio_features: list[float] | None = None
    comments: Sequence[str] = ()  # screened, the latest few


def described(
    content_pks: NDArray[np.int64], *, chunk: int = 2000
) -> Iterator[list[Described | None]]:
    """Yield what is known about the contents, in order, a chunk at a time; None for one gone."""
    names = (
        "description",
        "tags",
        "category",
        Coalesce("heard_id", "sound_id"),
        "visual_features",
        "audio_features",
    )
    for start in range(0, len(content_pks), chunk):
        wanted = content_pks[start : start + chunk].tolist()
        rows: Iterable[tuple[Any, ...]] = Content.objects.filter(pk__in=wanted).values_list(
            "pk", *names
        )
        said = comments_of(wanted)
        found = {pk: Described(*rest)._replace(comments=said.get(pk, ())) for pk, *rest in rows}
        yield [found.get(pk) for pk in wanted]


def comments_of(content_pks: Sequence[int]) -> dict[int, list[str]]:
    """Return the comments that speak for each of these contents, those that have some."""
    rows = Comment.objects.filter(content_id__in=content_pks).order_by("pk")
    said: dict[int, list[str]] = defaultdict(list)
    for pk, text in rows.values_list("content_id", "text"):
        said[pk].append(text)
    return dict(said)


def content_keys(content_ids: Iterable[str]) -> dict[str, ContentKey]:
    """Return the keys of those contents that are known."""
    rows = Content.objects.filter(content_id__among=content_ids)
    return {
        content_id: ContentKey(pk, creator, duration)
        for content_id, pk, creator, duration in rows.values_list(
            "content_id", "pk", "creator_id", "duration_seconds"
        )
    }


def content_of(content_id: str) -> Content | None:
    """Return a content with its creator and sound."""
    rows = Content.objects.select_related("creator", "sound")
    return rows.filter(content_id=content_id).first()


def public_ids(content_pks: Iterable[int]) -> dict[int, str]:
    """Return the content_id of each database key."""
    contents = Content.objects.filter(pk__in=list(content_pks))
    return dict(contents.values_list("pk", "content_id"))


def all_public_ids() -> dict[int, str]:
    """Return the content_id of every database key: for commands, not for requests."""
    return dict(Content.objects.values_list("pk", "content_id").iterator(chunk_size=10_000))


def catalog() -> Catalog:
    """Return the catalogue as this process knows it, at most one refresh old."""
    return _live.get().catalog


def current_catalog() -> Catalog:
    """Return the catalogue with everything that is committed by now.

    For work outside of a web process, where no thread refreshes it.
    """
    return _live.update().catalog


_live: Live[CatalogReader] = Live(
    "catalog", lambda reader: (reader or CatalogReader()).read_changes()
)
