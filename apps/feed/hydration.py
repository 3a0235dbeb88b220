"""The request of a viewer: all that the stages read of them and of the world, read once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from apps.candidates.restrictions import Restriction
from apps.candidates.types import Request
from apps.content import selectors as content
from apps.content.types import Catalog
from apps.events import conf as events_conf
from apps.events import selectors as events
from apps.events import slates
from apps.features import selectors as features
from apps.features.types import Query
from apps.feed.cursors import Cursor
from apps.feed.modes import MODES, mode_for
from apps.feed.types import FeedQuery
from apps.learning import bundle
from apps.profiles import selectors as profiles
from apps.profiles import services as profile_services
from apps.profiles.types import Profile


def profile_of(user_id: str, now_ms: int) -> Profile:
    """Return the viewer's profile; who was never heard of gets one."""
    # The viewer's clock may be ahead: what they hid by it must be gone now, not in five minutes.
    at_ms = now_ms + events_conf.MAX_AHEAD_MS
    profile = profiles.profile(user_id, at_ms=at_ms)
    if profile.pk:
        return profile
    profile_services.ensure_viewers([user_id])
    return profiles.profile(user_id, at_ms=at_ms)


def request_of(query: FeedQuery, *, now_ms: int) -> Request:
    """Return the request of a viewer outside any scroll."""
    return hydrate(
        query, profile_of(query.user_id, now_ms), Cursor(uuid.uuid4(), now_ms, 0), now_ms
    )


def hydrate(query: FeedQuery, profile: Profile, cursor: Cursor, now_ms: int) -> Request:
    """Return the request with all that the stages read of the viewer and of the world."""
    # The counters' own catalogue: the newer one may have rows that they do not count yet.
    stats = features.stats()
    catalog = stats.catalog
    promoted = bundle.production()
    mode = mode_for(query.mode, profile)
    served = slates.served(
        profile.pk,
        since_ms=min(cursor.started_ms, now_ms - events_conf.SERVED_WINDOW_MS),
        scroll=cursor.session,
        position=cursor.position,
        # An order that is the same for all begins again with each scroll.
        is_scroll_alone=not MODES[mode].is_personal,
    )
    # A clock that is a little ahead must not hide what its viewer just did.
    at_ms = now_ms + events_conf.MAX_AHEAD_MS + 1
    history = events.history(profile.pk, catalog, at_ms=at_ms)
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
        stance=profile.stance.mapped(catalog.creator_rows_of),
        disliked=events.disliked(profile.pk, catalog, history, at_ms=at_ms),
        own_creator=int(catalog.creator_rows_of(own)[0]),
        served=catalog.rows_of(served),
        age_group=profile.age_group,
        speaks=speaks(catalog),
        stated=catalog.category_codes(profile.categories),
        position=cursor.position,
        mode=mode,
        restriction=resolved(query.restriction, query.exclude, catalog),
    )


def speaks(catalog: Catalog) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """Return what says which languages viewers speak; who asks it pays a query."""
    names = catalog.languages
    return lambda viewers: profiles.languages(names, of=viewers).of(viewers)


def resolved(
    restriction: Restriction | None, exclude: tuple[str, ...], catalog: Catalog
) -> Restriction | None:
    """Return the restriction with the excluded contents as catalog rows; one query if any."""
    if not exclude:
        return restriction
    keys = content.content_keys(exclude).values()
    rows = catalog.rows_of(np.array([key.pk for key in keys], np.int64))
    return replace(restriction or Restriction(), without=rows)
