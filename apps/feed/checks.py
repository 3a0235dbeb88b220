"""The last check: what the database says, now, of what is about to be shown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from apps.candidates.types import Request
from apps.content.models import Content
from apps.core.candidates import Candidates
from apps.core.prepared import Prepared
from apps.events.models import Event


class Slot(NamedTuple):
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
    is_age_restricted: bool
    is_reach_limited: bool


SLOTS = Prepared(
    lambda viewer, content_pks, now_ms: Content.objects.filter(
        ~Exists(Event.objects.filter(viewer_id=viewer, content_id=OuterRef("pk"))),
        pk__in=content_pks,
        status=Content.Status.ACTIVE,
        creator__is_suspended=False,
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
        "is_age_restricted",
        "is_reach_limited",
    )
)


def check_now(candidates: Candidates, request: Request) -> tuple[dict[int, Slot], Candidates]:
    """Ask the database which candidates may be shown now and were never met by the viewer.

    One indexed query; a decision of moderation holds from here on whatever caches say. Returns the
    slots by catalog row, and the candidates that stay.
    """
    query = request.query
    pks = request.catalog.content_pk[candidates.rows]
    found = SLOTS.rows(query.viewer, pks.tolist(), query.at_ms)
    by_pk = {row[0]: Slot(*row[1:]) for row in found}
    stays = np.array([pk in by_pk for pk in pks.tolist()], np.bool_)
    slots = [by_pk[pk] for pk in pks[stays].tolist()]
    stays[stays] = ~_withheld(request, candidates.rows[stays], slots)
    kept = candidates.take(stays)
    kept_pks = pks[stays].tolist()
    return {row: by_pk[pk] for row, pk in zip(kept.rows.tolist(), kept_pks, strict=True)}, kept


def _withheld(request: Request, rows: NDArray[np.int64], slots: list[Slot]) -> NDArray[np.bool_]:
    """Return bool[n]: what moderation keeps from the viewer, as the database says now."""
    return request.withheld(
        request.catalog.creator[rows],
        np.array([slot.is_age_restricted for slot in slots], np.bool_),
        np.array([slot.is_reach_limited for slot in slots], np.bool_),
    )
