"""Reading slates: what viewers were shown."""

from __future__ import annotations

from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.core.prepared import Prepared
from apps.events import conf
from apps.events.models import Slate
from apps.events.types import Shown, ShownContent

_CHUNK = 50_000
_SERVED = Prepared(
    lambda viewer, since_ms: (
        Slate.objects.filter(viewer_id=viewer, served_ms__gte=since_ms)
        .order_by("-served_ms", "-id")
        .values_list("feed_session", "first_position", "content_pks")
    )
)


def served(
    viewer: int,
    *,
    since_ms: int,
    scroll: UUID | None = None,
    position: int = 0,
    is_scroll_alone: bool = False,
) -> NDArray[np.int64]:
    """Return database keys of the contents that the viewer was served since `since_ms`.

    is_scroll_alone: only those of `scroll`.

    A page replaces what the earlier pages of its scroll hold from its first position on: the
    client asked again because that was not shown. The next page of `scroll` begins at `position`.
    """
    replaced_from = {scroll.hex if scroll else "": position}
    parts = []
    for session_id, first, packed in _SERVED.rows(viewer, since_ms):
        session = session_id.hex if isinstance(session_id, UUID) else session_id
        if is_scroll_alone and session not in replaced_from:
            continue
        contents = np.frombuffer(packed, "<i8")
        end = replaced_from.get(session, first + len(contents))
        parts.append(contents[: max(end - first, 0)])
        replaced_from[session] = min(end, first)
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


def shown(*, since_ms: int, until_ms: int, schema: str | None = None) -> Shown:
    """Return every content of the slates with since_ms ≤ served < until_ms: for training.

    schema: only of slates that keep these features.
    """
    slates = Slate.objects.filter(served_ms__gte=since_ms, served_ms__lt=until_ms)
    if schema is not None:
        slates = slates.filter(feature_schema=schema)
    rows = slates.values_list("viewer_id", "served_ms", "content_pks")
    found = list(rows.iterator(chunk_size=_CHUNK))
    viewers, moments, packed = zip(*found, strict=True) if found else ((), (), ())
    contents = [np.frombuffer(part, "<i8") for part in packed]
    lengths = [len(part) for part in contents]
    return Shown(
        viewer=np.repeat(np.array(viewers, np.int64), lengths),
        content_pk=np.concatenate([np.empty(0, np.int64), *contents]),
        at_ms=np.repeat(np.array(moments, np.int64), lengths),
        slot=np.concatenate([np.empty(0, np.int64), *map(np.arange, lengths)]) + 1,
    )


def shown_content(content_pk: int, *, since_ms: int, most: int = conf.MOST_SLATES) -> ShownContent:
    """Return where one content was shown, of the latest `most` slates since a moment."""
    slates = Slate.objects.filter(served_ms__gte=since_ms).order_by("-served_ms", "-id")
    fields = ("content_pks", "sources", "first_position", "viewer_id", "served_ms")
    found: list[tuple[int, int, int, int]] = []
    n_slates = 0
    for packed, masks, first, viewer, at_ms in slates.values_list(*fields)[:most].iterator(
        chunk_size=_CHUNK
    ):
        n_slates += 1
        for slot in np.flatnonzero(np.frombuffer(packed, "<i8") == content_pk).tolist():
            source = int(np.frombuffer(masks, "<u4")[slot])
            found.append((first + slot, source, viewer, at_ms))
    return ShownContent(n_slates, *np.array(found, np.int64).reshape(-1, 4).T)
