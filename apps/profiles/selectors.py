"""Read viewers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

import numpy as np
from django.db.models import FilteredRelation, Q, Subquery
from numpy.typing import NDArray

from apps.core.clock import DAY_MS
from apps.core.prepared import Prepared
from apps.profiles.conf import MUTE_DAYS, RECOVERY_DAYS
from apps.profiles.models import Creator, CreatorRelation, Viewer
from apps.profiles.pseudonyms import pseudonym
from apps.profiles.types import Profile, Stance

_ABOUT = ("creator_id", "kind", "changed_ms")  # of a relation
# One row for each relation of the viewer, or one without any.
_VIEWER = Prepared(
    lambda name, user_id, at_ms: (
        Viewer.objects.filter(pseudonym=name)
        .annotate(
            own=Subquery(Creator.objects.filter(creator_id=user_id).values("pk")[:1]),
            relation=FilteredRelation(
                "creatorrelation",
                condition=Q(
                    creatorrelation__is_active=True, creatorrelation__changed_ms__lte=at_ms
                ),
            ),
        )
        .values_list(
            "pk",
            "age_group",
            "language",
            "categories",
            "personalization",
            "own",
            *(f"relation__{column}" for column in _ABOUT),
        )
    )
)
_RELATIONS = Prepared(
    lambda viewer, at_ms: CreatorRelation.objects.filter(
        viewer_id=viewer, is_active=True, changed_ms__lte=at_ms
    ).values_list(*_ABOUT)
)


def profile(user_id: str, *, at_ms: int) -> Profile:
    """Return the viewer behind `user_id` as of `at_ms`, an empty profile if never heard of."""
    found = _VIEWER.rows(pseudonym(user_id), user_id, at_ms)
    if not found:
        return Profile()
    pk, age_group, language, categories, personalization, own_creator, *_ = found[0]
    relations = [row[-len(_ABOUT) :] for row in found if row[-1] is not None]
    return Profile(
        pk=pk,
        age_group=age_group,
        language=language,
        categories=tuple(json.loads(categories)),
        personalization=bool(personalization),
        own_creator=own_creator,
        stance=stance_of(np.array(relations, np.int64).reshape(-1, len(_ABOUT)), at_ms),
    )


def profile_of_key(viewer: int, *, at_ms: int) -> Profile:
    """Return the viewer of a database key; which creator they are is not known from it."""
    fields = ("age_group", "language", "categories", "personalization")
    if not (rows := list(Viewer.objects.filter(pk=viewer).values_list(*fields))):
        return Profile()
    age_group, language, categories, personalization = rows[0]
    relations = np.array(_RELATIONS.rows(viewer, at_ms), np.int64).reshape(-1, 3)
    return Profile(
        pk=viewer,
        age_group=age_group,
        language=language,
        categories=tuple(categories),
        personalization=personalization,
        stance=stance_of(relations, at_ms),
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


def keys_of(pseudonyms: Sequence[UUID]) -> list[int]:
    """Return the primary keys of the pseudonyms that are known."""
    return list(Viewer.objects.filter(pseudonym__in=pseudonyms).values_list("pk", flat=True))


def followed_by(viewer: int) -> list[str]:
    """Return the ids of the creators whom a viewer follows, the latest first."""
    kind = CreatorRelation.Kind.FOLLOW
    rows = CreatorRelation.objects.filter(viewer_id=viewer, kind=kind, is_active=True)
    return list(rows.order_by("-changed_ms", "pk").values_list("creator__creator_id", flat=True))


class Languages:
    """The language of every viewer who told theirs, as a code."""

    def __init__(self, viewer: NDArray[np.int64], code: NDArray[np.int64]) -> None:
        self._viewer, self._code = viewer, code  # viewers ascend

    def of(self, viewer: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return int64[n]: the code of each viewer's language, −1 unknown."""
        if not len(self._viewer):
            return np.full(len(viewer), -1, np.int64)
        at = np.minimum(np.searchsorted(self._viewer, viewer), len(self._viewer) - 1)
        return np.where(self._viewer[at] == viewer, self._code[at], -1)


def languages(names: Sequence[str], *, of: NDArray[np.int64] | None = None) -> Languages:
    """Return the languages of viewers, coded by their position in `names`.

    Of all who told theirs, in one query, or of those whose keys are given.
    """
    codes = {name: code for code, name in enumerate(names)}
    known = Viewer.objects.filter(language__in=codes).order_by("pk").values_list("pk", "language")
    parts = [known]
    if of is not None:
        wanted = np.unique(of).tolist()
        starts = range(0, len(wanted), 10_000)
        parts = [known.filter(pk__in=wanted[start : start + 10_000]) for start in starts]
    rows = [(pk, codes[name]) for part in parts for pk, name in part]
    return Languages(*np.array(rows, np.int64).reshape(-1, 2).T)


class Groups:
    """Language and age group of every viewer who told either."""

    def __init__(self, viewer: NDArray[np.int64], names: NDArray[np.str_]) -> None:
        self._viewer, self._names = viewer, names  # viewers ascend; names: [m, 2]

    def of(self, viewer: NDArray[np.int64]) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
        """Return the language and the age group of each viewer, empty where not known."""
        at = np.searchsorted(self._viewer, viewer)
        at = np.minimum(at, len(self._viewer) - 1)
        if not len(self._viewer):
            return np.full(len(viewer), ""), np.full(len(viewer), "")
        names = np.where((self._viewer[at] == viewer)[:, None], self._names[at], "")
        return names[:, 0], names[:, 1]


def groups() -> Groups:
    """Return the groups of all viewers, in one query."""
    known = Viewer.objects.exclude(language="", age_group="").order_by("pk")
    rows = list(known.values_list("pk", "language", "age_group").iterator(chunk_size=10_000))
    viewer = np.array([row[0] for row in rows], np.int64)
    return Groups(viewer, np.array([row[1:] for row in rows], np.str_).reshape(-1, 2))


def chosen() -> dict[int, tuple[str, ...]]:
    """Return the categories that viewers chose, of all who chose any."""
    viewers = Viewer.objects.exclude(categories=[]).values_list("pk", "categories")
    return {pk: tuple(names) for pk, names in viewers.iterator(chunk_size=10_000)}


def pseudonyms(viewer_pks: Iterable[int]) -> dict[int, UUID]:
    """Return the pseudonym of each viewer that there still is and who refused no comparison."""
    viewers = Viewer.objects.filter(pk__in=list(viewer_pks), personalization=True)
    return dict(viewers.values_list("pk", "pseudonym"))


class Stances:
    """How all viewers stand to creators as of a moment."""

    def __init__(self, relations: NDArray[np.int64], at_ms: int) -> None:
        order = np.argsort(relations[:, 0], kind="stable")
        self._relations = relations[order]
        self._at_ms = at_ms

    def of(self, viewer: int) -> Stance:
        """Return how one viewer stands to creators; database keys."""
        bounds = np.searchsorted(self._relations[:, 0], [viewer, viewer + 1])
        return stance_of(self._relations[slice(*bounds), 1:], self._at_ms)


def stances(*, at_ms: int) -> Stances:
    """Return how everybody stood to creators at `at_ms`."""
    relations = CreatorRelation.objects.filter(is_active=True, changed_ms__lte=at_ms)
    rows = list(relations.values_list("viewer_id", "creator_id", "kind", "changed_ms"))
    return Stances(np.array(rows, np.int64).reshape(-1, 4), at_ms)


def stance_of(relations: NDArray[np.int64], at_ms: int) -> Stance:
    """Return the stance that rows of (creator, kind, changed_ms) make; old mutes are over."""
    creator, kind, changed_ms = relations.T
    is_muted = kind == CreatorRelation.Kind.MUTE
    is_muted &= changed_ms > at_ms - (MUTE_DAYS + RECOVERY_DAYS) * DAY_MS
    return Stance(
        followed=creator[kind == CreatorRelation.Kind.FOLLOW],
        blocked=creator[kind == CreatorRelation.Kind.BLOCK],
        muted=creator[is_muted],
        muted_ms=changed_ms[is_muted],
    )
