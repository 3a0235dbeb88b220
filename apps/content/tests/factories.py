"""Contents and catalogues with valid minimal defaults."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.content.models import Content
from apps.content.services import upsert_contents
from apps.content.types import MAX_TAGS, Catalog, ContentMetadata, ContentRow

NOW_MS = 1_760_000_000_000  # 9 October 2025
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
N_TAGS = 6


def make_content(
    content_id: str = "v1", creator_id: str = "bob", *, now_ms: int = NOW_MS, **metadata: Any
) -> Content:
    """Store one content by `creator_id`."""
    row = ContentRow(content_id, creator_id, metadata=ContentMetadata(**metadata))
    assert upsert_contents([row], now_ms=now_ms) == []
    return Content.objects.get(content_id=content_id)


def make_contents(
    n: int, *, creators: int = 5, now_ms: int = NOW_MS, prefix: str = "v"
) -> list[str]:
    """Store n contents of several creators, oldest first, a minute apart; return their ids."""
    ids = [f"{prefix}{i}" for i in range(n)]
    rows = [
        ContentRow(c, f"creator{i % creators}", metadata=ContentMetadata(duration=20.0))
        for i, c in enumerate(ids)
    ]
    upsert_contents(rows, now_ms=now_ms - 60_000 * n)
    contents = dict(Content.objects.filter(content_id__in=ids).values_list("content_id", "pk"))
    aged = [
        Content(pk=contents[c], uploaded_ms=now_ms - 60_000 * (n - i)) for i, c in enumerate(ids)
    ]
    Content.objects.bulk_update(aged, ["uploaded_ms"])
    return ids


def _tags(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return up to three different tags of each content, the first of them first."""
    tags = np.full((n, MAX_TAGS), -1, np.int64)
    for row, n_tags in enumerate(rng.integers(0, 4, n).tolist()):
        tags[row, :n_tags] = rng.permutation(N_TAGS)[:n_tags]
    return tags


def make_catalog(n: int = 12, *, creators: int = 4, seed: int = 0) -> Catalog:
    """Return a catalogue in memory: n contents with some values unknown."""
    rng = np.random.default_rng(seed)
    duration = rng.uniform(5, 60, n).astype(np.float32)
    duration[::5] = np.nan
    creator_pk = np.arange(creators) + 100
    return Catalog(
        content_pk=np.arange(n) + 1000,
        creator=np.arange(n) % creators,
        sound=np.arange(n) % 3 - 1,
        category=np.arange(n) % 4 - 1,
        language=np.arange(n) % 3 - 1,
        tags=_tags(n, rng),
        duration_seconds=duration,
        uploaded_ms=NOW_MS - rng.integers(1, 60, n) * DAY_MS,
        changed_ms=np.full(n, NOW_MS),
        is_servable=np.ones(n, np.bool_),
        is_age_restricted=np.zeros(n, np.bool_),
        is_reach_limited=np.zeros(n, np.bool_),
        creator_pk=creator_pk,
        languages=("en", "de"),
        categories=("music", "sports", "news"),
        n_sounds=2,
        n_tags=N_TAGS,
        pk_order=np.arange(n),
        creator_pk_order=np.arange(creators),
    )
