"""Filters: what must not be shown. Each says which candidates may stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.candidates.types import Request
from apps.core.candidates import Candidates, marked


class Servable:
    """Removes what is hidden, removed, or not out yet."""

    name = "servable"

    def __call__(self, request: Request, candidates: Candidates) -> NDArray[np.bool_]:
        """Keep what the catalogue says can be shown; the last check asks the database again."""
        catalog, rows = request.catalog, candidates.rows
        is_out = catalog.uploaded_ms[rows] <= request.query.at_ms
        return np.asarray(catalog.is_servable[rows] & is_out)


class Withheld:
    """Removes what moderation keeps from this viewer: age-restricted, or of limited reach."""

    name = "withheld"

    def __call__(self, request: Request, candidates: Candidates) -> NDArray[np.bool_]:
        """Keep what the viewer may see by the catalogue; the last check asks the database."""
        catalog, rows = request.catalog, candidates.rows
        return ~request.withheld(
            catalog.creator[rows], catalog.is_age_restricted[rows], catalog.is_reach_limited[rows]
        )


class OfLimitedReach:
    """Removes what is of limited reach also from followers: such contents are on no list."""

    name = "of_limited_reach"

    def __call__(self, request: Request, candidates: Candidates) -> NDArray[np.bool_]:
        """Keep what moderation has not limited."""
        return ~request.catalog.is_reach_limited[candidates.rows]


class AlreadySeen:
    """Removes what the viewer has met in the history that was read."""

    name = "already_seen"

    def __call__(self, request: Request, candidates: Candidates) -> NDArray[np.bool_]:
        """Keep what is not in the history; the last check asks about all of it."""
        return ~marked(request.query.history.content, len(request.catalog))[candidates.rows]


class RecentlyServed:
    """Removes what was served in this scroll or a moment ago."""

    name = "recently_served"

    def __call__(self, request: Request, candidates: Candidates) -> NDArray[np.bool_]:
        """Keep what was not served lately."""
        return ~marked(request.served, len(request.catalog))[candidates.rows]


class Restricted:
    """Removes what does not meet the conditions of the caller."""

    name = "restricted"

    def __call__(self, request: Request, candidates: Candidates) -> NDArray[np.bool_]:
        """Keep what meets them all."""
        if request.restriction is None:
            return np.ones(len(candidates), np.bool_)
        return request.restriction.allowed(request.catalog, request.query.at_ms)[candidates.rows]


class OwnContent:
    """Removes what the viewer made."""

    name = "own_content"

    def __call__(self, request: Request, candidates: Candidates) -> NDArray[np.bool_]:
        """Keep what others made."""
        creator = request.catalog.creator[candidates.rows]
        return np.asarray((creator != request.own_creator) | (request.own_creator < 0))


class HiddenCreators:
    """Removes creators whom the viewer has blocked, or muted by hiding a content."""

    name = "hidden_creators"

    def __call__(self, request: Request, candidates: Candidates) -> NDArray[np.bool_]:
        """Keep the other creators."""
        hidden = request.hidden
        if not len(hidden):
            return np.ones(len(candidates), np.bool_)
        return ~np.isin(request.catalog.creator[candidates.rows], hidden)
