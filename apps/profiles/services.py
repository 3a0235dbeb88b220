"""Write viewers: upserts, follows, mutes and blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from apps.profiles.models import Creator, CreatorRelation, Viewer
from apps.profiles.privacy import ErasedError, erased
from apps.profiles.pseudonyms import pseudonym
from apps.profiles.types import UserRow


class RelationChange(NamedTuple):
    """One follow, unfollow, mute or block."""

    viewer: int  # primary key
    creator: int  # primary key
    kind: CreatorRelation.Kind
    is_active: bool
    changed_ms: int


def ensure_viewers(user_ids: Iterable[str]) -> dict[str, int]:
    """Return the primary key of each user id, making rows for those never heard of."""
    wanted = {user_id: pseudonym(user_id) for user_id in user_ids}
    found = ensure_pseudonyms(wanted.values())
    return {user_id: found[p] for user_id, p in wanted.items()}


def ensure_pseudonyms(pseudonyms: Iterable[UUID]) -> dict[UUID, int]:
    """Return the primary key of each pseudonym, making rows for those never heard of.

    Raises 410 if one of them was erased.
    """
    wanted = set(pseudonyms)
    found = _keys(wanted)
    if missing := wanted - found.keys():
        if erased(missing):
            raise ErasedError
        # Another process may make the same viewer now; the unique pseudonym decides. In one order,
        # or two batches wait for each other's rows.
        Viewer.objects.bulk_create(
            [Viewer(pseudonym=p) for p in sorted(missing)], ignore_conflicts=True
        )
        found |= _keys(missing)
    return found


def _keys(pseudonyms: Iterable[UUID]) -> dict[UUID, int]:
    rows = Viewer.objects.filter(pseudonym__among=pseudonyms)
    return dict(rows.values_list("pseudonym", "pk"))


def ensure_creators(creator_ids: Iterable[str]) -> dict[str, int]:
    """Return the primary key of each creator, making rows for those never heard of."""
    wanted = set(creator_ids)
    found = _creator_keys(wanted)
    if missing := wanted - found.keys():
        Creator.objects.bulk_create(
            [Creator(creator_id=c) for c in sorted(missing)], ignore_conflicts=True
        )
        found |= _creator_keys(missing)
    return found


def _creator_keys(creator_ids: Iterable[str]) -> dict[str, int]:
    rows = Creator.objects.filter(creator_id__among=creator_ids)
    return dict(rows.values_list("creator_id", "pk"))


def upsert_users(rows: Sequence[UserRow], *, now_ms: int) -> None:
    """Create or change users; what a row leaves out stays.

    A list of followed creators replaces the one before; the last of several rows of a user wins.
    Raises 410 where one of them was erased, and stores nothing.
    """
    try:
        _upsert(rows, now_ms=now_ms)
    except ErasedError as error:
        names = [pseudonym(row.user_id) for row in rows]
        gone = erased(names)
        raise ErasedError(i for i, name in enumerate(names) if name in gone) from error


def _upsert(rows: Sequence[UserRow], *, now_ms: int) -> None:
    with transaction.atomic():
        keys = ensure_viewers(row.user_id for row in rows)
        # Locks, so that two upserts of one user cannot lose each other's fields; in one order, so
        # that two batches do not wait for each other.
        locked = Viewer.objects.select_for_update().order_by("pk")
        viewers = locked.in_bulk(list(keys.values()))
        creators = ensure_creators(
            c for row in rows for c in row.preferences.creators_followed or ()
        )
        followed: dict[int, list[int]] = {}
        for row in rows:
            viewer = viewers[keys[row.user_id]]
            _apply(viewer, row)
            if row.preferences.creators_followed is not None:
                followed[viewer.pk] = [creators[c] for c in row.preferences.creators_followed]
        # All rows are there: an upsert that only updates, without a CASE of every row and field.
        Viewer.objects.bulk_create(
            viewers.values(),
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["age_group", "location", "language", "categories", "personalization"],
        )
        relate(_replace_follows(followed, now_ms))


def _apply(viewer: Viewer, row: UserRow) -> None:
    given = row.demographics
    viewer.age_group = viewer.age_group if given.age_group is None else given.age_group
    viewer.location = viewer.location if given.location is None else given.location
    viewer.language = viewer.language if given.language is None else given.language
    if row.preferences.categories is not None:
        viewer.categories = row.preferences.categories
    if row.preferences.personalization is not None:
        viewer.personalization = row.preferences.personalization


def _replace_follows(followed: dict[int, list[int]], now_ms: int) -> list[RelationChange]:
    kind = CreatorRelation.Kind.FOLLOW
    active = CreatorRelation.objects.filter(viewer_id__in=list(followed), kind=kind, is_active=True)
    dropped = [
        (viewer, creator)
        for viewer, creator in active.values_list("viewer_id", "creator_id")
        if creator not in followed[viewer]
    ]
    return [
        RelationChange(viewer, creator, kind, True, now_ms)
        for viewer, creators in followed.items()
        for creator in creators
    ] + [RelationChange(viewer, creator, kind, False, now_ms) for viewer, creator in dropped]


_TABLE = CreatorRelation._meta.db_table
_RELATE = (
    f"INSERT INTO {_TABLE} (viewer_id, creator_id, kind, is_active, changed_ms)"  # noqa: S608
    " VALUES (%s, %s, %s, %s, %s)"
    " ON CONFLICT (viewer_id, creator_id, kind) DO UPDATE"
    " SET is_active = excluded.is_active, changed_ms = excluded.changed_ms"
    f" WHERE excluded.changed_ms > {_TABLE}.changed_ms"
    f" OR (excluded.changed_ms = {_TABLE}.changed_ms AND NOT excluded.is_active)"
)


def relate(changes: Sequence[RelationChange]) -> None:
    """Store changes; of several about the same relation the latest `changed_ms` wins.

    At the same moment the withdrawal wins (an unfollow over a follow), so that the outcome does not
    depend on the order of arrival; here and in the condition of the statement.
    """
    if not changes:
        return
    latest: dict[tuple[int, int, int], RelationChange] = {}
    for change in sorted(changes, key=lambda c: (c.changed_ms, not c.is_active)):
        latest[change.viewer, change.creator, change.kind] = change
    in_order = [latest[key] for key in sorted(latest)]  # or two batches wait for each other
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.executemany(
            _RELATE,
            [(c.viewer, c.creator, int(c.kind), c.is_active, c.changed_ms) for c in in_order],
        )


def mark_suspended(creator_pk: int, *, is_suspended: bool) -> None:
    """Mark a creator; `apps.content.services.set_suspended` also tells the catalogues."""
    Creator.objects.filter(pk=creator_pk).update(is_suspended=is_suspended)
