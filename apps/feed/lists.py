"""Lists beside the feed: popular, trending, similar, without what may not be shown; neighbors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from apps.candidates.restrictions import Restriction
from apps.candidates.similar import similar_contents
from apps.candidates.sources.crowd import Popular, Trending
from apps.candidates.sources.taste import own_vector
from apps.candidates.types import Request
from apps.content import selectors as content
from apps.core.candidates import Candidates
from apps.core.errors import Problem
from apps.core.pipeline import Scores
from apps.events.types import EventLog
from apps.features import selectors as features
from apps.features.stats import DAY, EVER, HOURS_6, WEEK
from apps.features.types import Query
from apps.feed import hydration
from apps.feed.checks import check_now
from apps.feed.conf import PARAMS
from apps.feed.modes import mode_of
from apps.feed.types import FeedQuery, ListAnswer, ListItem, Neighbor, NeighborsAnswer
from apps.learning import bundle
from apps.profiles import selectors as profiles
from apps.profiles.pseudonyms import pseudonym

PERIODS = {"6h": HOURS_6, "1d": DAY, "7d": WEEK, "ever": EVER}


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a client asks for."""

    now_ms: int
    user_id: str | None = None  # leaves out what this viewer has met or hidden
    limit: int = PARAMS.default_limit
    restriction: Restriction | None = None
    exclude: tuple[str, ...] = ()  # content ids


def popular(query: ListQuery, *, period: str) -> ListAnswer:
    """Return what most viewers watched, decayed with the half-life of the period."""
    request = request_of(query)
    source = Popular(f"popular_{period}", PERIODS[period])
    return _answer(query, request, source(request))


def trending(query: ListQuery) -> ListAnswer:
    """Return what rises against the traffic of the whole platform."""
    request = request_of(query)
    return _answer(query, request, Trending()(request))


def similar(query: ListQuery, *, content_id: str) -> ListAnswer:
    """Return what is most like a content; 404 for one that is not known."""
    request = request_of(query)
    key = content.content_keys([content_id]).get(content_id)
    row = int(request.catalog.rows_of(np.array([key.pk]))[0]) if key else -1
    if row < 0:
        raise Problem(404, "unknown-content", f"There is no content {content_id!r}.")
    # Not the content itself, whatever else is asked.
    asked = request.restriction or Restriction()
    request = replace(request, restriction=replace(asked, without=np.append(asked.without, row)))
    return _answer(query, request, similar_contents(request, row))


def neighbors(*, user_id: str, limit: int, now_ms: int) -> NeighborsAnswer:
    """Return the viewers whose vectors are nearest to this one's, as it is now.

    Raises 404 for a viewer never heard of: being asked about makes nobody known.
    """
    if user_id not in profiles.viewer_keys([user_id]):
        raise Problem(404, "unknown-user", "There is no such viewer.")
    request = hydration.request_of(FeedQuery(user_id), now_ms=now_ms)
    return NeighborsAnswer(pseudonym(user_id), _neighbors(request, limit))


def _neighbors(request: Request, limit: int) -> list[Neighbor]:
    viewers = request.models.viewers if request.models else None
    # Who refused personalization is compared with nobody.
    vector = own_vector(request) if mode_of(request).is_personal else None
    if viewers is None or vector is None:
        return []
    at, similarity = viewers.nearest(vector, limit, without=request.query.viewer)
    owner, rows, _ = viewers.met(at)
    both = np.bincount(owner[np.isin(rows, request.query.history.content)], minlength=len(at))
    pks = viewers.pk[at].tolist()
    names = profiles.pseudonyms(pks)
    found = zip(pks, similarity.tolist(), both.tolist(), strict=True)
    return [Neighbor(names[pk], score, n_both) for pk, score, n_both in found if pk in names]


def request_of(query: ListQuery) -> Request:
    """Return the request of the viewer, or of nobody in particular.

    A viewer never heard of has met nothing: a list makes nobody known.
    """
    if query.user_id is not None and profiles.viewer_keys([query.user_id]):
        asked = FeedQuery(query.user_id, restriction=query.restriction, exclude=query.exclude)
        return hydration.request_of(asked, now_ms=query.now_ms)
    stats = features.stats()
    promoted = bundle.production()
    return Request(
        query=Query(viewer=0, at_ms=query.now_ms, history=EventLog.empty()),
        catalog=stats.catalog,
        stats=stats,
        models=promoted.retrieval if promoted else None,
        speaks=hydration.speaks(stats.catalog),
        restriction=hydration.resolved(query.restriction, query.exclude, stats.catalog),
    )


def _answer(query: ListQuery, request: Request, scores: Scores | None) -> ListAnswer:
    """Return the best rows that the database says may be shown now."""
    if scores is None:
        return ListAnswer([])
    # What is of limited reach is on no list, not even for those who follow its creator.
    excluded = request.excluded() | request.catalog.is_reach_limited
    rows = scores.top(query.limit + PARAMS.reserve, excluded)
    found = Candidates(rows, {"score": scores.at(rows)})
    slots, shown = check_now(found, request)
    return ListAnswer(
        [
            ListItem(slots[row].content_id, slots[row].creator_id, float(score))
            for row, score in zip(shown.rows.tolist(), shown["score"], strict=True)
        ][: query.limit]
    )
