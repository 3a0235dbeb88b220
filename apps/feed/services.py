"""Serve one page of a feed: hydrate, run the pipeline, check once more, log the slate, answer."""

from __future__ import annotations

import logging
import uuid
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from django.db import DatabaseError
from numpy.typing import NDArray

from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.core.metrics import DEGRADED, FEED_SECONDS
from apps.events import selectors as events
from apps.events import services as events_services
from apps.events.services import SlateRow
from apps.experiments import selectors as experiments
from apps.experiments import services as experiment_services
from apps.experiments.types import Assigned
from apps.feed.checks import Slot, check_now
from apps.feed.cursors import Cursor, decode_cursor, encode_cursor
from apps.feed.dials import bundle_of, params_of, under
from apps.feed.hydration import hydrate, profile_of
from apps.feed.items import items_of
from apps.feed.modes import mode_of
from apps.feed.types import FeedAnswer, FeedQuery
from apps.learning import bundle
from apps.profiles.pseudonyms import pseudonym
from apps.ranking.editorial import EDITORIAL
from apps.ranking.rankers import SELECT_HASH
from apps.ranking.scorers import TASTE_ORDER

logger = logging.getLogger(__name__)


@FEED_SECONDS.time()
def for_user(query: FeedQuery, *, now_ms: int) -> FeedAnswer:
    """Return one page. A valid request gets items whenever anything can be shown.

    What the viewer did before this call is in it: history, hides and follows are read here.
    """
    profile = profile_of(query.user_id, now_ms)
    cursor = _cursor(query, profile.pk, now_ms)
    request = hydrate(query, profile, cursor, now_ms)
    # Experiments are about what is ranked for a viewer, and only such a page exposes to them.
    is_personal = mode_of(request).is_personal
    assigned = experiments.resolve(pseudonym(query.user_id)) if is_personal else Assigned()
    request = under(request, assigned.overrides)
    request_id = uuid.uuid4()
    degraded, slots, shown = _page(request, query.limit, assigned, request_id)
    if assigned.is_broken:
        DEGRADED.labels("experiments").inc()
        degraded.append("experiments")
    ranker = _ranker_version(request, degraded)
    try:
        _log_slate(request_id, cursor, request, shown, ranker, assigned)
    except DatabaseError:
        # A page without its slate is still a page; the counter tells the operator.
        logger.exception("slate %s could not be logged", request_id)
        DEGRADED.labels("slate_log").inc()
        degraded.append("slate_log")
    following = Cursor(cursor.session, cursor.started_ms, cursor.position + len(shown))
    return FeedAnswer(
        request_id=str(request_id),
        items=items_of(request, shown, slots, cursor.position, explain=query.explain),
        next_cursor=encode_cursor(following, profile.pk) if len(shown) else None,
        degraded=degraded,
        ranker=ranker,
        experiment=dict(assigned.variants),
    )


def _cursor(query: FeedQuery, viewer: int, now_ms: int) -> Cursor:
    if not query.cursor:
        return Cursor(uuid.uuid4(), now_ms, 0)
    cursor = decode_cursor(query.cursor, viewer)
    return cursor._replace(position=max(cursor.position - query.unseen, 0))


def _page(
    request: Request, limit: int | None, assigned: Assigned, request_id: uuid.UUID
) -> tuple[list[str], dict[int, Slot], Candidates]:
    """Return what `_choose` does; where two variants share the page, with the column `team`."""
    limit = limit or params_of(request).default_limit
    request = replace(request, limit=limit)
    degraded, slots, shown = _choose(request, limit)
    if assigned.rival is None:
        return degraded, slots, shown
    _, others, rival = _choose(under(request, assigned.rival), limit)
    rng = np.random.default_rng(request_id.int)
    return degraded, {**others, **slots}, experiment_services.drafted(shown, rival, limit, rng)


class _Page(NamedTuple):
    """What may be shown of one run of the pipeline."""

    degraded: list[str]
    slots: dict[int, Slot]  # by catalog row
    checked: Candidates
    dropped: NDArray[np.int64]  # rows that the last check removed


def _choose(request: Request, limit: int) -> tuple[list[str], dict[int, Slot], Candidates]:
    """Return what was skipped on the way, the slots by catalog row, and what to show.

    When the last check leaves less than a page, the viewer has met more than the history that was
    read, or much was removed: the pipeline runs once more without all that. Where nothing is left
    at all, it runs with the creators who are muted but not blocked, unless its mode may end.
    """
    page = _run(request, request.excluded(), limit)
    if len(page.checked) < limit and len(page.dropped):
        page = _run(request, _without(request, page.dropped), limit)
    if not len(page.checked) and len(request.stance.muted) and not mode_of(request).may_end:
        request = replace(request, lifts_mutes=True)
        page = _run(request, _without(request, page.dropped), limit)
    return page.degraded, page.slots, page.checked.take(slice(limit))


def _run(request: Request, excluded: NDArray[np.bool_], limit: int) -> _Page:
    outcome = mode_of(request).pipeline.run(request, excluded)
    candidates = outcome.candidates.take(slice(limit + params_of(request).reserve))
    slots, checked = check_now(candidates, request)
    dropped = np.setdiff1d(candidates.rows, checked.rows)
    return _Page(list(outcome.degraded), slots, checked, dropped)


def _without(request: Request, dropped: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return bool[n_contents]: what is excluded, what was ever met, and what was dropped."""
    excluded = request.excluded()
    met = request.catalog.rows_of(events.seen(request.query.viewer))
    excluded[met[met >= 0]] = True
    excluded[dropped] = True
    return excluded


def _ranker_version(request: Request, degraded: list[str]) -> str:
    if not mode_of(request).is_personal:
        return mode_of(request).ranker
    chosen = bundle_of(request)
    if bundle.problem():
        degraded.append("bundle")
    if f"scorer:{TASTE_ORDER}" in degraded:
        return "rank_fusion"
    if chosen is None or any(stage.startswith("scorer:") for stage in degraded):
        return TASTE_ORDER
    return chosen.version


def _log_slate(
    request_id: uuid.UUID,
    cursor: Cursor,
    request: Request,
    shown: Candidates,
    ranker: str,
    assigned: Assigned,
) -> None:
    """Store the page: what was shown where, by whom proposed, what the ranker saw, and to which
    experiments it belongs.
    """
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
            variant=assigned.label,
            feature_schema=SELECT_HASH if features_shown is not None else "",
            content_pks=request.catalog.content_pk[shown.rows],
            scores=shown["score"],
            sources=shown["sources"],
            propensities=_propensities(shown),
            features=features_shown,
            objective=_objective_of(shown),
        )
    )
    experiment_services.log_exposures(assigned, request.query.viewer, now_ms=request.query.at_ms)
    if "team" in shown.columns:
        experiment_services.log_interleaved(assigned.interleaving, request_id, shown["team"])


def _propensities(shown: Candidates) -> NDArray[np.float64]:
    """Return the chance of each slot's content, given the slots before it; a pin is certain."""
    if "propensity" not in shown.columns:
        return np.ones(len(shown))
    is_pinned = shown["main_source"] == EDITORIAL
    return np.where(is_pinned, 1.0, np.nan_to_num(shown["propensity"], nan=1.0))


def _objective_of(shown: Candidates) -> int:
    """Return the version that ordered the page; a pinned content that nobody scored has none."""
    return int(shown["objective"].max(initial=0)) if "objective" in shown.columns else 0
