"""Recognize the sound of a file that was heard before, under whatever id (spec §3.2; ADR 28)."""

from __future__ import annotations

import numpy as np

from apps.content.services import share_sound, unshare_sound
from apps.media.algorithms.landmarks import LEAST, Landmarks, aligned, is_same, thinned
from apps.media.metrics import HEARD
from apps.media.models import SoundMark

_WRITTEN = 1000  # rows an INSERT


def recognize(content_pk: int, told: list[list[int]], *, now_ms: int) -> int | None:
    """Let a content count as of the sound that another one has, and return that content's key.

    None for a sound that is heard for the first time: its landmarks are kept. Call it within the
    transaction that stores what was found; one worker at a time, or two first ones are both kept.
    """
    marks = np.array(told, np.int64).reshape(-1, 2)
    SoundMark.objects.filter(content_id=content_pk).delete()  # of a file that it had before
    unshare_sound(content_pk, now_ms=now_ms)
    if len(marks) < LEAST:
        return None
    other_pk = heard_in(marks)
    HEARD.labels("new" if other_pk is None else "again").inc()
    if other_pk is None:
        _keep(content_pk, marks)
        return None
    share_sound(other_pk, content_pk, now_ms=now_ms)
    return other_pk


def heard_in(marks: Landmarks) -> int | None:
    """Return the content with whose sound these landmarks are shared, None for no sound; a query.

    O(landmarks of all sounds with these hashes).
    """
    hashes = np.unique(marks[:, 0]).tolist()
    rows = SoundMark.objects.filter(hash__among=hashes).values_list("hash", "frame", "content_id")
    known = np.array(list(rows), np.int64).reshape(-1, 3)
    known = known[np.argsort(known[:, 0], kind="stable")]
    # Every landmark of the query with every one of the same hash.
    low = np.searchsorted(known[:, 0], marks[:, 0], "left")
    n = np.searchsorted(known[:, 0], marks[:, 0], "right") - low
    at = np.repeat(low - np.cumsum(n) + n, n) + np.arange(n.sum())
    frames = np.repeat(marks[:, 1], n)
    content_pk, common = aligned(frames, known[at, 1], known[at, 2])
    return content_pk if is_same(common, marks) else None


def _keep(content_pk: int, marks: Landmarks) -> None:
    rows = [SoundMark(content_id=content_pk, hash=h, frame=f) for h, f in thinned(marks).tolist()]
    SoundMark.objects.bulk_create(rows, batch_size=_WRITTEN)
