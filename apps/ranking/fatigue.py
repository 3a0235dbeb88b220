"""What the viewer said "not for me" to counts for less, and a little more each week (spec §9.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.candidates.signals import by_last, past_of
from apps.candidates.types import Request
from apps.content.types import Catalog, used_tags
from apps.core.candidates import Candidates, Rows
from apps.core.clock import DAY_MS
from apps.events.conf import DISLIKED_MS
from apps.ranking.algorithms import fatigue
from apps.ranking.scaling import scaled

_ENJOYED = 100  # contents, the latest, that speak for their topics


class Fatigue:
    """Demotes creators who were muted, and contents about what hidden ones were about."""

    name = "fatigue"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the same candidates with changed `score`."""
        factor = creator_factor(request, candidates.rows) * topic_factor(request, candidates.rows)
        return scaled(candidates, factor)


def creator_factor(request: Request, rows: Rows) -> NDArray[np.float64]:
    """Return float64[n]: 0 for creators muted now, who come only where nothing else is left."""
    if not len(request.stance.muted):
        return np.ones(len(rows))
    age_days = np.maximum(request.query.at_ms - request.stance.muted_ms, 0) / DAY_MS
    mutes = request.mutes
    factor = fatigue.of_creator(
        age_days, mute_days=mutes.mute_days, recovery_days=mutes.recovery_days
    )
    is_muted = request.catalog.creator[rows][:, None] == request.stance.muted
    return np.where(is_muted, factor, 1.0).min(axis=1)


def topic_factor(request: Request, rows: Rows) -> NDArray[np.float64]:
    """Return float64[n]: how much of its topics each row has in common with hidden contents.

    What the viewer enjoyed of the same topics speaks for them.
    """
    content, at_ms = request.disliked
    known = content >= 0
    if not known.any():
        return np.ones(len(rows))
    age_days = np.maximum(request.query.at_ms - at_ms[known], 0) / DAY_MS
    freshness = np.clip(1 - age_days / (DISLIKED_MS / DAY_MS), 0, 1)
    disliked = _closeness(request.catalog, rows, content[known]) @ freshness
    liked = _closeness(request.catalog, rows, _enjoyed(request)).sum(axis=1)
    return fatigue.of_topic(disliked, liked)


def _enjoyed(request: Request) -> Rows:
    """Return the latest contents that were watched long or engaged with, and not hidden."""
    log, weight, is_view, is_long = past_of(request).said
    rows, _ = by_last(log.content[is_long | (~is_view & (weight > 0))])
    return rows[~np.isin(rows, request.disliked.content)][-_ENJOYED:]


def _closeness(catalog: Catalog, rows: Rows, others: Rows) -> NDArray[np.float64]:
    tags, other_tags = used_tags(catalog.tags[rows]), used_tags(catalog.tags[others])
    return fatigue.closeness(catalog.category[rows], tags, catalog.category[others], other_tags)
