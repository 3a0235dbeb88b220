"""Read viewers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from apps.core.clock import DAY_MS
from apps.profiles.models import CreatorRelation, Viewer
from apps.profiles.pseudonyms import pseudonym
from apps.profiles.types import Profile

MUTE_DAYS = 14  # a hidden content hides its creator for two weeks


def profile(user_id: str, *, at_ms: int) -> Profile:
    """Return the viewer behind `user_id` as of `at_ms`, an empty profile if never heard of."""
    row = (
        Viewer.objects.filter(pseudonym=pseudonym(user_id))
        .values_list("pk", "age_group", "language", "categories")
        .first()
    )
    if row is None:
        return Profile()
    pk, age_group, language, categories = row
    relations = np.array(
        CreatorRelation.objects.filter(
            viewer_id=pk, is_active=True, changed_ms__lte=at_ms
        ).values_list("creator_id", "kind", "changed_ms"),
        np.int64,
    ).reshape(-1, 3)
    creator, kind, changed_ms = relations.T
    is_muted = (kind == CreatorRelation.Kind.MUTE) & (changed_ms > at_ms - MUTE_DAYS * DAY_MS)
    return Profile(
        pk=pk,
        age_group=age_group,
        language=language,
        categories=tuple(categories),
        followed=creator[kind == CreatorRelation.Kind.FOLLOW],
        hidden=creator[is_muted | (kind == CreatorRelation.Kind.BLOCK)],
    )


def viewer_keys(user_ids: Iterable[str]) -> dict[str, int]:
    """Return the primary key of each user id that is known."""
    wanted = {pseudonym(user_id): user_id for user_id in user_ids}
    known: dict[str, int] = {}
    everyone = list(wanted)
    for start in range(0, len(everyone), 10_000):
        rows = Viewer.objects.filter(pseudonym__in=everyone[start : start + 10_000])
        known |= {wanted[p]: pk for p, pk in rows.values_list("pseudonym", "pk")}
    return known
