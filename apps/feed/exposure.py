"""How much a content was shown, and why it is not shown to a viewer: what support is asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from apps.candidates.rules import active_rules
from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.sources.explore import GRADUATED
from apps.candidates.types import Request
from apps.content import selectors as content
from apps.core.candidates import Candidates
from apps.core.clock import DAY_MS
from apps.core.errors import Problem
from apps.core.pipeline import Pipeline
from apps.events import slates
from apps.features.stats import EVER, Counted
from apps.feed import lists
from apps.feed.dials import rankers_of
from apps.feed.modes import mode_of
from apps.feed.pipelines import feed_pipeline
from apps.feed.types import ContentExposure, ViewerExposure
from apps.profiles import selectors as profiles
from apps.ranking.exploration import KIND_BITS

# As the feed, but for the slots that explore: the rank is what the content has by itself.
_RANKED = feed_pipeline(rankers_of, rules=active_rules)


def of_content(content_id: str, *, user_id: str | None, now_ms: int) -> ContentExposure:
    """Return what a content was shown, and where it stands for a viewer if one is named.

    Raises 404 for a content, or a viewer, never heard of.
    """
    if user_id is not None and user_id not in profiles.viewer_keys([user_id]):
        raise Problem(404, "unknown-user", "There is no such viewer.")
    request = lists.request_of(lists.ListQuery(now_ms=now_ms, user_id=user_id))
    key = content.content_keys([content_id]).get(content_id)
    row = int(request.catalog.rows_of(np.array([key.pk]))[0]) if key else -1
    if key is None or row < 0:
        raise Problem(404, "unknown-content", f"There is no content {content_id!r}.")
    counted = request.stats.by["content"].at(np.array([row]), now_ms)[0, :, EVER]
    views = round(float(counted[Counted.VIEW]))
    shown = slates.shown_content(key.pk, since_ms=now_ms - DAY_MS)
    return ContentExposure(
        content_id=content_id,
        views=views,
        long_views=round(float(counted[Counted.LONG_VIEW])),
        pool=next((n for n in GRADUATED if views < n), None),
        slates_read=shown.n_slates,
        shown=len(shown.sources),
        explored=int(np.count_nonzero(shown.sources & KIND_BITS[0])),
        best_position=int(shown.position.min()) if len(shown.position) else None,
        removed_by=_removed_by(request, row),
        viewer=_for_viewer(request, row) if user_id is not None else None,
    )


def _pipeline(request: Request) -> Pipeline[Request]:
    mode = mode_of(request)
    return _RANKED if mode.is_personal else mode.pipeline


def _removed_by(request: Request, row: int) -> list[str]:
    """Return the filters that do not let the content pass."""
    alone = Candidates(np.array([row]))
    return [stage.name for stage in _pipeline(request).filters if not stage(request, alone)[0]]


def _for_viewer(request: Request, row: int) -> ViewerExposure:
    """Return which sources propose the content, and its rank among all candidates."""
    excluded = request.excluded()
    proposed = _pipeline(request).retrieve(request, excluded, [])
    mask = int(proposed["sources"][proposed.rows == row].sum())
    ranked = _pipeline(request).run(replace(request, limit=None), excluded).candidates
    at = np.flatnonzero(ranked.rows == row)
    return ViewerExposure(
        proposed_by=[name for i, name in enumerate(SOURCE_NAMES) if mask >> i & 1],
        rank=int(at[0]) + 1 if len(at) else None,
        candidates=len(proposed),
        ranked=len(ranked),
    )
