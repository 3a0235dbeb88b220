"""Write the catalogue."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.dispatch import Signal

from apps.content.models import Content, Sound
from apps.content.types import ContentRow, Rejected
from apps.core.clock import from_datetime
from apps.profiles.services import ensure_creators, mark_suspended

# Sent inside the transaction that made new contents: `content_ids` names them. The event log
# listens, to let in what was reported about them before they were known.
contents_created = Signal()

_FEATURES = ("visual_features", "audio_features")
_TEXT_FIELDS = ("description", "tags", "category", "language", "media_url", *_FEATURES)
_SET_FIELDS = (*_TEXT_FIELDS, "creator_id", "sound_id", "status", "duration_seconds", "uploaded_ms")
_UPDATED_FIELDS = [name.removesuffix("_id") for name in _SET_FIELDS] + ["changed_ms", "stamps"]
_YEAR_10000_MS = 253_402_300_800_000  # from which on no calendar can say a moment
_OVER_ALL = 2**32  # rank of what is said to us directly, over all checksums

Stamp = list[int]  # [ms since 1970 UTC, rank among values of that moment]

_SEEN: Stamp = [0, -1]  # of what the analysis of media found: all that is ever said outranks it


class _Change(NamedTuple):
    """What one row says about one content."""

    content_id: str
    values: dict[str, Any]  # by column
    stamps: dict[str, Stamp]  # by column, of the values
    is_direct: bool  # wins over all that came before it


def _ensure_sounds(audio_ids: Iterable[str]) -> dict[str, int]:
    wanted = set(audio_ids)
    rows = Sound.objects.filter(audio_id__in=wanted)
    found = dict(rows.values_list("audio_id", "pk"))
    if missing := wanted - found.keys():
        Sound.objects.bulk_create(
            [Sound(audio_id=a) for a in sorted(missing)], ignore_conflicts=True
        )
        found |= dict(Sound.objects.filter(audio_id__in=missing).values_list("audio_id", "pk"))
    return found


def upsert_contents(
    rows: Sequence[ContentRow], *, now_ms: int, said_ms: Sequence[int] | None = None
) -> list[Rejected]:
    """Create or change contents; return the rows that were refused.

    Without `said_ms` every row counts as of now, the last of several as the latest. With it
    (uploads by events) each row counts as of its moment: field by field the latest value stands,
    whatever the order in which rows arrive; of two values of one moment a checksum decides. A
    removed content stays removed: only a moderator's decision brings it back.
    """
    with transaction.atomic():
        known = _locked({row.content_id for row in rows})
        creators = ensure_creators(row.creator_id for row in rows if row.creator_id)
        sounds = _ensure_sounds(row.metadata.audio_id for row in rows if row.metadata.audio_id)
        changes: list[_Change] = []
        rejected = []
        met = set(known)
        for index, row in enumerate(rows):
            if refusal := _refusal(row, is_new=row.content_id not in met):
                rejected.append(Rejected(index, row.content_id, *refusal))
                continue
            met.add(row.content_id)
            at_ms = said_ms[index] if said_ms else None
            changes.append(_change(row, creators, sounds, now_ms, at_ms))
        created = _create([c for c in changes if c.content_id not in known], now_ms)
        _update(known, [c for c in changes if c.content_id in known], now_ms)
        if created:
            contents_created.send(sender=Content, content_ids=created)
    return rejected


def _refusal(row: ContentRow, *, is_new: bool) -> tuple[str, str] | None:
    """Return code and detail of why a row is not taken, or None."""
    if is_new and row.creator_id is None:
        return "missing-creator", "A new content needs its creator_id."
    at = row.upload_timestamp
    if at is not None and not 0 <= from_datetime(at) < _YEAR_10000_MS:
        return "invalid-value", "upload_timestamp: expected a moment from 1970 to 9999 UTC."
    return None


def _locked(content_ids: Collection[str]) -> dict[str, Content]:
    """Lock what exists, so that two upserts of one content cannot lose each other's fields."""
    contents = Content.objects.select_for_update().order_by("pk")
    return {c.content_id: c for c in contents.filter(content_id__among=content_ids)}


def _change(
    row: ContentRow,
    creators: dict[str, int],
    sounds: dict[str, int],
    now_ms: int,
    said_ms: int | None,
) -> _Change:
    said: dict[str, Any] = {name: getattr(row.metadata, name) for name in _TEXT_FIELDS}
    said |= {
        "creator_id": row.creator_id,
        "sound_id": row.metadata.audio_id,
        "status": row.status,
        "duration_seconds": row.metadata.duration,
        "uploaded_ms": from_datetime(row.upload_timestamp) if row.upload_timestamp else None,
    }
    said = {name: value for name, value in said.items() if value is not None}
    at_ms = now_ms if said_ms is None else said_ms
    stamps = {
        name: [at_ms, _OVER_ALL if said_ms is None else zlib.crc32(msgspec.json.encode(value))]
        for name, value in said.items()
    }
    values = dict(said)
    if "creator_id" in said:
        values["creator_id"] = creators[said["creator_id"]]
    if "sound_id" in said:
        values["sound_id"] = sounds[said["sound_id"]]
    return _Change(row.content_id, values, stamps, said_ms is None)


def _create(changes: Sequence[_Change], now_ms: int) -> list[str]:
    """Make new contents and return their ids; one that another process makes now is changed."""
    made: dict[str, Content] = {}
    for change in changes:
        content = made.setdefault(
            change.content_id,
            # The moment of upload that nobody has said yields to any that is said.
            Content(content_id=change.content_id, uploaded_ms=now_ms, changed_ms=now_ms - 1),
        )
        content.stamps.setdefault("uploaded_ms", [-1, 0])
        _apply(content, change, now_ms)
    if not made:
        return []
    in_order = [made[content_id] for content_id in sorted(made)]  # or two batches cross
    Content.objects.bulk_create(in_order, ignore_conflicts=True, batch_size=500)
    if connection.features.has_select_for_update:  # others have one writer at a time
        # An insert waits for the other's commit, and then leaves its row alone: add our fields.
        stored = _locked(made)
        lost = {i: c for i, c in stored.items() if not _is_same(c, made[i])}
        _update(lost, [c for c in changes if c.content_id in lost], now_ms)
    return list(made)


def _is_same(stored: Content, made: Content) -> bool:
    names = (*_SET_FIELDS, "stamps")
    return all(getattr(stored, name) == getattr(made, name) for name in names)


def _update(known: dict[str, Content], changes: Sequence[_Change], now_ms: int) -> None:
    for change in changes:
        _apply(known[change.content_id], change, now_ms)
    changed = {change.content_id: known[change.content_id] for change in changes}
    Content.objects.bulk_update(changed.values(), _UPDATED_FIELDS, batch_size=200)


def _apply(content: Content, change: _Change, now_ms: int) -> None:
    """Put what a row says later than what is there into the content, and leave the rest."""
    for name, value in change.values.items():
        if name == "status" and content.status == Content.Status.REMOVED:
            continue
        before, stamp = _stamp_of(content, name), change.stamps[name]
        if change.is_direct or stamp > before:
            setattr(content, name, value)
            content.stamps[name] = max(stamp, before)
    content.changed_ms = next_stamp(content.changed_ms, now_ms)


def _stamp_of(content: Content, name: str) -> Stamp:
    """Return when a field was last said; one from before there were stamps, when the row was."""
    never: Stamp = [-1, 0]
    is_said = getattr(content, name) not in (None, "", [])
    return content.stamps.get(name) or ([content.changed_ms, 0] if is_said else never)


def next_stamp(changed_ms: int, now_ms: int) -> int:
    """Return a `changed_ms` that is greater than the one before: readers compare stamps.

    Two changes in one millisecond, or a clock set back, would else look like none.
    """
    return max(now_ms, changed_ms + 1)


def stamp_edit(content: Content, names: Iterable[str], *, now_ms: int) -> None:
    """Stamp the fields that were edited by hand; the caller saves the content."""
    columns = {name.removesuffix("_id"): name for name in _SET_FIELDS}
    for name in names:
        if name in columns:
            content.stamps[columns[name]] = [now_ms, _OVER_ALL]
    content.changed_ms = next_stamp(content.changed_ms, now_ms)


def set_status(content_ids: Iterable[str], status: Content.Status, *, now_ms: int) -> int:
    """Set the status of contents; it holds from the next request on. Returns how many."""
    contents = Content.objects.filter(content_id__in=list(content_ids))
    return contents.update(status=status, changed_ms=Greatest(now_ms, F("changed_ms") + 1))


def set_seen(
    content_pk: int,
    *,
    visual_features: list[float] | None,
    audio_features: list[float] | None,
    duration_seconds: float | None,
    now_ms: int,
) -> None:
    """Set what the analysis of its media found; what was said about a content itself stands."""
    found = {
        "visual_features": visual_features,
        "audio_features": audio_features,
        "duration_seconds": duration_seconds,
    }
    with transaction.atomic():
        content = Content.objects.select_for_update().get(pk=content_pk)
        free = [name for name in found if _stamp_of(content, name) <= _SEEN]
        for name in free:
            setattr(content, name, found[name])
            content.stamps[name] = _SEEN
        content.changed_ms = next_stamp(content.changed_ms, now_ms)
        content.save(update_fields=[*free, "changed_ms", "stamps"])


def share_sound(first_pk: int, again_pk: int, *, now_ms: int) -> None:
    """Let two contents, whose files sound the same, count as of one sound.

    That of the first, else that of the second, else a new one that only we name. What the app said
    about either stays as it is.
    """
    with transaction.atomic():
        locked = Content.objects.select_for_update().filter(pk__in=[first_pk, again_pk])
        by_pk = {content.pk: content for content in locked.order_by("pk")}
        first, again = by_pk[first_pk], by_pk[again_pk]
        sound_pk = first.heard_id or first.sound_id or again.sound_id
        if sound_pk is None:
            sound_pk = Sound.objects.create(audio_id=f"heard:{uuid.uuid4().hex}").pk
        for content in (first, again):
            content.heard_id = None if content.sound_id == sound_pk else sound_pk
            content.changed_ms = next_stamp(content.changed_ms, now_ms)
            content.save(update_fields=["heard", "changed_ms"])


def unshare_sound(content_pk: int, *, now_ms: int) -> None:
    """Let a content count as of the sound that the app named, or of none."""
    heard = Content.objects.filter(pk=content_pk, heard__isnull=False)
    heard.update(heard=None, changed_ms=Greatest(now_ms, F("changed_ms") + 1))


def set_restrictions(
    content_pk: int, *, is_age_restricted: bool, is_reach_limited: bool, now_ms: int
) -> None:
    """Set who may see a content (spec §10.2); it holds from the next request on."""
    Content.objects.filter(pk=content_pk).update(
        is_age_restricted=is_age_restricted,
        is_reach_limited=is_reach_limited,
        changed_ms=Greatest(now_ms, F("changed_ms") + 1),
    )


def set_suspended(creator_pk: int, *, is_suspended: bool, now_ms: int) -> None:
    """Show nothing of a creator any more, or again; their contents' own status stays as it is."""
    with transaction.atomic():
        mark_suspended(creator_pk, is_suspended=is_suspended)
        # Stamped, so that every process that keeps the catalogue reads them again.
        Content.objects.filter(creator_id=creator_pk).update(
            changed_ms=Greatest(now_ms, F("changed_ms") + 1)
        )
