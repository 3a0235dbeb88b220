"""Write the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.dispatch import Signal

from apps.content.models import Content, Sound
from apps.content.types import ContentRow, Rejected
from apps.core.clock import from_datetime
from apps.profiles.services import ensure_creators

# Sent inside the transaction that made new contents: `content_ids` names them. The event log
# listens, to link what was reported about them before they were known.
contents_created = Signal()

_TEXT_FIELDS = ("description", "tags", "category", "language", "media_url", "visual_features")
_UPDATED_FIELDS = [
    *_TEXT_FIELDS,
    "creator",
    "sound",
    "status",
    "duration_seconds",
    "uploaded_ms",
    "changed_ms",
]


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


def upsert_contents(rows: Sequence[ContentRow], *, now_ms: int) -> list[Rejected]:
    """Create or change contents; return the rows that were refused (new without a creator).

    The last of several rows with one `content_id` wins field by field. A removed content stays
    removed: only a moderator's decision brings it back.
    """
    with transaction.atomic():
        # Locks what exists, so that two upserts of one content cannot lose each other's fields.
        known = {
            c.content_id: c
            for c in Content.objects.select_for_update().filter(
                content_id__in={row.content_id for row in rows}
            )
        }
        creators = ensure_creators(row.creator_id for row in rows if row.creator_id)
        sounds = _ensure_sounds(row.metadata.audio_id for row in rows if row.metadata.audio_id)
        created: dict[str, Content] = {}
        changed: dict[str, Content] = {}
        rejected = []
        for index, row in enumerate(rows):
            content = known.get(row.content_id) or created.get(row.content_id)
            if content is None and row.creator_id is None:
                detail = "A new content needs its creator_id."
                rejected.append(Rejected(index, row.content_id, "missing-creator", detail))
                continue
            if content is None:
                content = Content(content_id=row.content_id, uploaded_ms=now_ms)
                created[row.content_id] = content
            elif row.content_id in known:
                changed[row.content_id] = content
            _apply(content, row, creators, sounds, now_ms)
        Content.objects.bulk_create(created.values(), ignore_conflicts=True, batch_size=500)
        Content.objects.bulk_update(changed.values(), _UPDATED_FIELDS, batch_size=200)
        if created:
            contents_created.send(sender=Content, content_ids=list(created))
    return rejected


def _apply(
    content: Content,
    row: ContentRow,
    creators: dict[str, int],
    sounds: dict[str, int],
    now_ms: int,
) -> None:
    """Put what the row gives into the content and leave the rest."""
    if row.creator_id is not None:
        content.creator_id = creators[row.creator_id]
    if row.upload_timestamp is not None:
        content.uploaded_ms = from_datetime(row.upload_timestamp)
    if row.status is not None and content.status != Content.Status.REMOVED:
        content.status = row.status
    for name in _TEXT_FIELDS:
        if (value := getattr(row.metadata, name)) is not None:
            setattr(content, name, value)
    if row.metadata.duration is not None:
        content.duration_seconds = row.metadata.duration
    if row.metadata.audio_id is not None:
        content.sound_id = sounds[row.metadata.audio_id]
    content.changed_ms = now_ms


def set_status(content_ids: Iterable[str], status: Content.Status, *, now_ms: int) -> int:
    """Set the status of contents; it holds from the next request on. Returns how many."""
    contents = Content.objects.filter(content_id__in=list(content_ids))
    return contents.update(status=status, changed_ms=now_ms)
