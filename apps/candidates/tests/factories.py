"""Small catalogues, logs and requests in memory, written out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.als import ALSParams, gram
from apps.candidates.algorithms.item_item import ItemItemParams
from apps.candidates.algorithms.neighbors import Neighbors
from apps.candidates.algorithms.next_item import NextItemParams
from apps.candidates.conf import GroupParams, RetrievalParams, ViewerParams
from apps.candidates.embedder import Known, fit_embedder
from apps.candidates.index import ExactIndex
from apps.candidates.services import Background
from apps.candidates.types import Request, RetrievalModels
from apps.content.selectors import Described
from apps.content.types import MAX_TAGS, Catalog
from apps.core.clock import DAY_MS, HOUR_MS
from apps.events.types import EventLog, EventType
from apps.features.stats import Stats
from apps.features.types import Query
from apps.profiles.selectors import Groups

NOW_MS = 1_760_000_000_000  # 9 October 2025
SMALL = RetrievalParams(
    als=ALSParams(factors=8, iterations=6, unobserved_weight=0.1, regularization=0.01),
    next_item=NextItemParams(regularization=5.0, k=20),
    item_item=ItemItemParams(k=20),
    viewers=ViewerParams(k=10),
    groups=GroupParams(least_views=5.0),
)


class Happened(NamedTuple):
    """One event: a long view by default."""

    viewer: int
    content: int  # catalog row
    at_ms: int = NOW_MS - HOUR_MS
    kind: EventType = EventType.VIEW
    watch_seconds: float = 20.0
    flags: int = 0
    surface: int = 0


def make_log(events: Sequence[Happened | tuple[Any, ...]]) -> EventLog:
    """Return a log of the events in time order; events other than views have no watch time."""
    rows = sorted((Happened(*e) for e in events), key=lambda e: e.at_ms)
    if not rows:
        return EventLog.empty()
    viewer, content, at_ms, kind, watch, flags, surface = map(np.array, zip(*rows, strict=True))
    return EventLog(
        viewer=viewer.astype(np.int64),
        content=content.astype(np.int64),
        creator=np.full(len(rows), -1, np.int64),
        kind=kind.astype(np.int8),
        at_ms=at_ms.astype(np.int64),
        watch_seconds=np.where(kind == EventType.VIEW, watch, np.nan).astype(np.float32),
        flags=flags.astype(np.int16),
        surface=surface.astype(np.int16),
        utc_offset_minutes=np.zeros(len(rows), np.int16),
        device=np.zeros(len(rows), np.int8),
        network_ms=np.full(len(rows), np.nan, np.float32),
    )


def make_catalog(n: int = 6, **columns: Any) -> Catalog:
    """Return n contents of 20 s by three creators, one uploaded a day, the last yesterday."""
    content_pk = np.asarray(columns.pop("content_pk", np.arange(n) + 1000), np.int64)
    creator = np.asarray(columns.pop("creator", np.arange(n) % 3), np.int64)
    n_creators = int(creator.max(initial=-1)) + 1
    defaults: dict[str, Any] = {
        "sound": np.full(n, -1, np.int64),
        "category": np.arange(n) % 2,
        "language": np.full(n, -1, np.int64),
        "tags": np.full((n, MAX_TAGS), -1, np.int64),
        "duration_seconds": np.full(n, 20, np.float32),
        "uploaded_ms": NOW_MS - np.arange(n, 0, -1) * DAY_MS,
        "changed_ms": np.full(n, NOW_MS),
        "is_servable": np.ones(n, np.bool_),
        "is_age_restricted": np.zeros(n, np.bool_),
        "is_reach_limited": np.zeros(n, np.bool_),
        "languages": (),
        "categories": ("music", "sports"),
        "n_sounds": 0,
        "n_tags": 0,
    }
    return Catalog(
        content_pk=content_pk,
        creator=creator,
        creator_pk=np.arange(n_creators) + 100,
        pk_order=np.argsort(content_pk, kind="stable"),
        creator_pk_order=np.arange(n_creators),
        **defaults | columns,
    )


def make_models(n: int, **parts: Any) -> RetrievalModels:
    """Return models in which no content has a neighbor, unless `parts` say so."""
    vectors = parts.get("vectors", np.zeros((n, 2), np.float32))
    return RetrievalModels(
        params=parts.get("params", RetrievalParams(als=ALSParams(factors=vectors.shape[1]))),
        vectors=vectors,
        gram=gram(vectors),
        index=parts.get("index", ExactIndex(vectors)),
        next_item=parts.get("next_item", Neighbors.empty(n, 1)),
        item_item=parts.get("item_item", Neighbors.empty(n, 1)),
        content=parts.get("content"),
        viewers=parts.get("viewers"),
        charts=parts.get("charts"),
    )


def make_background(
    catalog: Catalog,
    described: Sequence[Described | None],
    *,
    groups: dict[int, tuple[str, str]] | None = None,
    params: RetrievalParams = SMALL,
) -> Background:
    """Return what is known of the catalogue's rows, and of viewers: (language, age group)."""
    known = dict(zip(catalog.content_pk.tolist(), described, strict=True))

    def describe(content_pks: NDArray[np.int64]) -> Iterator[Known]:
        for start in range(0, len(content_pks), 7):
            yield [known[pk] for pk in content_pks[start : start + 7].tolist()]

    pks = catalog.content_pk
    embedder = fit_embedder(pks, describe, params.content, seed=1)
    viewers = sorted(groups or {})
    names = np.array([(groups or {})[v] for v in viewers], np.str_).reshape(-1, 2)
    told = Groups(np.array(viewers, np.int64), names)
    return Background(embedder, embedder.all_blocks(pks, describe), catalog.changed_ms, told)


def made_of(*topics: str, sound: int | None = None) -> Described:
    """Return a content that is about the topics."""
    return Described(" ".join(topics), list(topics), topics[0] if topics else "", sound, None)


def make_request(
    catalog: Catalog,
    history: EventLog | None = None,
    *,
    log: EventLog | None = None,
    language: int = -1,
    viewer: int = 1,
    **parts: Any,
) -> Request:
    """Return a viewer's request at `NOW_MS`; `log` is what the counters have counted."""
    stats = Stats(catalog)
    stats.advance(EventLog.empty() if log is None else log)
    own = EventLog.empty() if history is None else history
    query = Query(viewer=viewer, at_ms=NOW_MS, history=own, language=language)
    return Request(query, catalog, stats, **parts)


def watched(*rows: int) -> EventLog:
    """Return viewer 1's long views of the rows, a minute apart, the last a minute ago."""
    start = NOW_MS - 60_000 * len(rows)
    return make_log([(1, row, start + 60_000 * i) for i, row in enumerate(rows)])


def nothing_excluded(catalog: Catalog) -> NDArray[np.bool_]:
    return np.zeros(len(catalog), np.bool_)


def two_communities(*, viewers: int = 60, contents: int = 40, views: int = 12) -> EventLog:
    """Return views in which even viewers watch the first half only, odd ones the second only."""
    rng = np.random.default_rng(1)
    half = contents // 2
    events = []
    for viewer in range(1, viewers + 1):
        rows = rng.permutation(half)[:views] + (viewer % 2) * half
        start = NOW_MS - int(rng.integers(1, 20 * 24)) * HOUR_MS
        events += [(viewer, int(row), start + 60_000 * i) for i, row in enumerate(rows)]
    return make_log(events)
