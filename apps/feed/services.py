"""Serve one page of a feed: hydrate, run the pipeline, check once more, log the slate, answer."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec
import numpy as np
from django.db import DatabaseError
from django.db.models import Exists, OuterRef

from apps.candidates.restrictions import Restriction
from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.types import Request
from apps.content import selectors as content_selectors
from apps.content.models import Content
from apps.content.types import Catalog
from apps.core.candidates import Candidates
from apps.core.metrics import DEGRADED, FEED_SECONDS
from apps.core.prepared import Prepared
from apps.events import conf as events_conf
from apps.events import selectors as events
from apps.events import services as events_services
from apps.events.models import Event
from apps.events.services import SlateRow
from apps.features import selectors as features
from apps.features.types import Context, Query
from apps.feed.conf import PARAMS
from apps.feed.cursors import Cursor, decode_cursor, encode_cursor
from apps.feed.pipelines import FEED
from apps.feed.reasons import reason_of
from apps.feed.types import ContentCard, FeedAnswer, FeedItem
from apps.learning import bundle
from apps.profiles import selectors as profiles
from apps.profiles import services as profile_services
from apps.profiles.types import Profile
from apps.ranking.editorial import SLOT_SOURCES
from apps.ranking.rankers import request_inputs

logger = logging.getLogger(__name__)

_N_HEAD_FEATURES = len(features.SCHEMA)


@dataclass(frozen=True, slots=True)
class FeedQuery:
    """What a client asks for."""

    user_id: str
    limit: int = PARAMS.default_limit
    cursor: str | None = None
    unseen: int = 0  # contents before the cursor that were not shown, to be ranked again
    explain: bool = False  # add score terms and cards
    context: Context = Context()
    restriction: Restriction | None = None
    exclude: tuple[str, ...] = ()  # content ids that the caller does not want


class _Slot(NamedTuple):
    """One content that may be shown now, as the database has it."""

    content_id: str
    creator_id: str
    creator_name: str
    sound: str | None
    description: str
    category: str
    tags: str  # JSON
    duration: float | None
    media_url: str


_SLOTS = Prepared(
    lambda viewer, content_pks, now_ms: Content.objects.filter(
        ~Exists(Event.objects.filter(viewer_id=viewer, content_id=OuterRef("pk"))),
        pk__in=content_pks,
        status=Content.Status.ACTIVE,
        uploaded_ms__lte=now_ms,
    ).values_list(
        "pk",
        "content_id",
        "creator__creator_id",
        "creator__name",
        "sound__title",
        "description",
        "category",
        "tags",
        "duration_seconds",
        "media_url",
    )
)


@FEED_SECONDS.time()
def for_user(query: FeedQuery, *, now_ms: int) -> FeedAnswer:
    """Return one page. A valid request gets items whenever anything can be shown.

    What the viewer did before this call is in it: history, hides and follows are read here.
    """
    profile = _profile(query.user_id, now_ms)
    cursor = _cursor(query, profile.pk, now_ms)
    request = hydrate(query, profile, cursor, now_ms)
    degraded, slots, shown = _choose(request, query.limit)
    request_id = uuid.uuid4()
    ranker = _ranker_version(degraded)
    try:
        _log_slate(request_id, cursor, request, shown, ranker)
    except DatabaseError:
        # A page without its slate is still a page; the counter tells the operator.
        logger.exception("slate %s could not be logged", request_id)
        DEGRADED.labels("slate_log").inc()
        degraded.append("slate_log")
    following = Cursor(cursor.session, cursor.started_ms, cursor.position + len(shown))
    return FeedAnswer(
        request_id=str(request_id),
        items=_items(request, shown, slots, cursor.position, explain=query.explain),
        next_cursor=encode_cursor(following, profile.pk) if len(shown) else None,
        degraded=degraded,
        ranker=ranker,
        experiment={},
    )


def _cursor(query: FeedQuery, viewer: int, now_ms: int) -> Cursor:
    if not query.cursor:
        return Cursor(uuid.uuid4(), now_ms, 0)
    cursor = decode_cursor(query.cursor, viewer)
    return cursor._replace(position=max(cursor.position - query.unseen, 0))


def _profile(user_id: str, now_ms: int) -> Profile:
    # The viewer's clock may be ahead: what they hid by it must be gone now, not in five minutes.
    at_ms = now_ms + events_conf.MAX_AHEAD_MS
    profile = profiles.profile(user_id, at_ms=at_ms)
    if profile.pk:
        return profile
    profile_services.ensure_viewers([user_id])
    return profiles.profile(user_id, at_ms=at_ms)


def request_of(query: FeedQuery, *, now_ms: int) -> Request:
    """Return the request of a viewer outside any scroll."""
    return hydrate(query, _profile(query.user_id, now_ms), Cursor(uuid.uuid4(), now_ms, 0), now_ms)


def hydrate(query: FeedQuery, profile: Profile, cursor: Cursor, now_ms: int) -> Request:
    """Return the request with all that the stages read of the viewer and of the world."""
    # The counters' own catalogue: the newer one may have rows that they do not count yet.
    stats = features.stats()
    catalog = stats.catalog
    promoted = bundle.production()
    served = events.served(
        profile.pk,
        since_ms=min(cursor.started_ms, now_ms - events_conf.SERVED_WINDOW_MS),
        scroll=cursor.session,
        position=cursor.position,
    )
    # A clock that is a little ahead must not hide what its viewer just did.
    history = events.history(profile.pk, catalog, at_ms=now_ms + events_conf.MAX_AHEAD_MS + 1)
    own = np.array([profile.own_creator or -1])
    languages = {name: code for code, name in enumerate(catalog.languages)}
    return Request(
        query=Query(
            viewer=profile.pk,
            at_ms=now_ms,
            history=history,
            context=query.context.filled(history),
            language=languages.get(profile.language, -1),
        ),
        catalog=catalog,
        stats=stats,
        models=promoted.retrieval if promoted else None,
        followed=catalog.creator_rows_of(profile.followed),
        hidden=catalog.creator_rows_of(profile.hidden),
        own_creator=int(catalog.creator_rows_of(own)[0]),
        served=catalog.rows_of(served),
        age_group=profile.age_group,
        position=cursor.position,
        restriction=resolved(query.restriction, query.exclude, catalog),
    )


def resolved(
    restriction: Restriction | None, exclude: tuple[str, ...], catalog: Catalog
) -> Restriction | None:
    """Return the restriction with the excluded contents as catalog rows; one query if any."""
    if not exclude:
        return restriction
    keys = content_selectors.content_keys(exclude).values()
    rows = catalog.rows_of(np.array([key.pk for key in keys], np.int64))
    return replace(restriction or Restriction(), without=rows)


def _choose(request: Request, limit: int) -> tuple[list[str], dict[int, _Slot], Candidates]:
    """Return what was skipped on the way, the slots by catalog row, and what to show.

    When the last check leaves less than a page, the viewer has met more than the history that was
    read, or much was removed: the pipeline runs once more without all that.
    """
    excluded = request.excluded()
    for is_last in (False, True):
        outcome = FEED.run(request, excluded)
        candidates = outcome.candidates.take(slice(limit + PARAMS.reserve))
        slots, checked = check_now(candidates, request)
        if is_last or len(checked) >= limit or len(checked) == len(candidates):
            break
        met = request.catalog.rows_of(events.seen(request.query.viewer))
        excluded[met[met >= 0]] = True
        excluded[np.setdiff1d(candidates.rows, checked.rows)] = True
    return list(outcome.degraded), slots, checked.take(slice(limit))


def check_now(candidates: Candidates, request: Request) -> tuple[dict[int, _Slot], Candidates]:
    """Ask the database which candidates may be shown now and were never met by the viewer.

    One indexed query; a removal holds from here on whatever caches say. Returns the slots by
    catalog row, and the candidates that stay.
    """
    query = request.query
    pks = request.catalog.content_pk[candidates.rows]
    found = _SLOTS.rows(query.viewer, pks.tolist(), query.at_ms)
    by_pk = {row[0]: _Slot(*row[1:]) for row in found}
    stays = np.array([pk in by_pk for pk in pks.tolist()], np.bool_)
    kept = candidates.take(stays)
    kept_pks = pks[stays].tolist()
    return {row: by_pk[pk] for row, pk in zip(kept.rows.tolist(), kept_pks, strict=True)}, kept


def _ranker_version(degraded: list[str]) -> str:
    promoted = bundle.production()
    if bundle.problem():
        degraded.append("bundle")
    if promoted is None or any(stage.startswith("scorer:") for stage in degraded):
        return "rank_fusion"
    return promoted.version


def _log_slate(
    request_id: uuid.UUID, cursor: Cursor, request: Request, shown: Candidates, ranker: str
) -> None:
    """Store the page: what was shown where, by whom proposed, and what the ranker saw."""
    features_shown = shown.columns.get("features")
    events_services.log_slate(
        SlateRow(
            id=request_id,
            viewer_id=request.query.viewer,
            feed_session=cursor.session,
            served_ms=request.query.at_ms,
            first_position=cursor.position,
            surface=request.query.context.surface,
            ranker=ranker,
            variant="",
            feature_schema=features.SCHEMA_HASH if features_shown is not None else "",
            content_pks=request.catalog.content_pk[shown.rows],
            scores=shown["score"],
            sources=shown["sources"],
            propensities=np.ones(len(shown)),  # no exploration: shown for certain
            features=features_shown,
        )
    )


def _items(
    request: Request,
    shown: Candidates,
    slots: dict[int, _Slot],
    first_position: int,
    *,
    explain: bool,
) -> list[FeedItem]:
    terms = _terms(request, shown) if explain else [None] * len(shown)
    items = []
    for place, row in enumerate(shown.rows.tolist()):
        slot = slots[row]
        source = SLOT_SOURCES[shown["main_source"][place]]
        items.append(
            FeedItem(
                content_id=slot.content_id,
                creator_id=slot.creator_id,
                position=first_position + place,
                score=float(shown["score"][place]),
                source=source,
                reason=reason_of(source, slot.creator_name or slot.creator_id),
                terms=terms[place],
                content=_card(slot) if explain else None,
            )
        )
    return items


def _terms(request: Request, shown: Candidates) -> list[dict[str, float] | None]:
    """Return what the rankers expect of each slot: every head, and each source's score."""
    promoted = bundle.production()
    if promoted is None or "features" not in shown.columns or not len(shown):
        return [None] * len(shown)
    of_pairs = shown["features"][:, -_N_HEAD_FEATURES:]
    heads = promoted.rankers.predict_heads(request_inputs(request, shown.rows, of_pairs))
    sources = {f"score.{name}": shown[f"score.{name}"] for name in SOURCE_NAMES}
    columns = {**heads, **sources}
    return [
        {name: float(values[i]) for name, values in columns.items() if np.isfinite(values[i])}
        for i in range(len(shown))
    ]


def _card(slot: _Slot) -> ContentCard:
    return ContentCard(
        description=slot.description,
        category=slot.category,
        tags=msgspec.json.decode(slot.tags, type=list[str]),
        creator_name=slot.creator_name or slot.creator_id,
        sound=slot.sound or "",
        duration=slot.duration,
        media_url=slot.media_url,
    )
