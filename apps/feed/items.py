"""The items of a page as a client gets them, and the terms of their scores."""

from __future__ import annotations

import msgspec
import numpy as np

from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.features import selectors as features
from apps.feed.checks import Slot
from apps.feed.dials import bundle_of
from apps.feed.reasons import reason_of
from apps.feed.types import ContentCard, FeedItem
from apps.ranking.editorial import SLOT_SOURCES
from apps.ranking.rankers import request_inputs

_N_HEAD_FEATURES = len(features.SCHEMA)


def items_of(
    request: Request,
    shown: Candidates,
    slots: dict[int, Slot],
    first_position: int,
    *,
    explain: bool,
) -> list[FeedItem]:
    """Return the items in the order of `shown`; with `explain`, with their terms and cards."""
    terms = terms_of(request, shown) if explain else [None] * len(shown)
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


def terms_of(request: Request, shown: Candidates) -> list[dict[str, float] | None]:
    """Return what is expected of each slot: every head, what each term of the objective adds to
    the score before fatigue and editors' weights, and each source's score.
    """
    chosen = bundle_of(request)
    if chosen is None or "features" not in shown.columns or not len(shown):
        return [None] * len(shown)
    of_pairs = shown["features"][:, -_N_HEAD_FEATURES:]
    heads = chosen.rankers.predict_heads(request_inputs(request, shown.rows, of_pairs))
    sources = {f"score.{name}": shown[f"score.{name}"] for name in SOURCE_NAMES}
    adds = {name: shown[name] for name in shown.columns if name.startswith("adds.")}
    columns = {**heads, **sources, **adds}
    return [
        {name: float(values[i]) for name, values in columns.items() if np.isfinite(values[i])}
        for i in range(len(shown))
    ]


def _card(slot: Slot) -> ContentCard:
    return ContentCard(
        description=slot.description,
        category=slot.category,
        tags=msgspec.json.decode(slot.tags, type=list[str]),
        creator_name=slot.creator_name or slot.creator_id,
        sound=slot.sound or "",
        duration=slot.duration,
        media_url=slot.media_url,
    )
