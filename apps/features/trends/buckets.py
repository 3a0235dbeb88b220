"""The consumer: how many distinct viewers engaged with each content, bucket by bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.clock import HOUR_MS
from apps.events.types import EventFlag, EventLog, EventType
from apps.features.algorithms.distinct import BYTES, Sketches, n_distinct, sketches
from apps.features.conf import TRENDS
from apps.features.consumers import drain
from apps.features.history import event_weights
from apps.features.models import TrendBucket

CONSUMER = "trends"
BUCKET_MS = TRENDS.bucket_minutes * 60_000
_ENGAGED = (
    EventType.COMPLETE_VIEW,
    EventType.REPLAY,
    EventType.LIKE,
    EventType.COMMENT,
    EventType.SHARE,
    EventType.SAVE,
)
_EXPOSED = (EventType.VIEW, EventType.SKIP)


class Key(NamedTuple):
    """One row of `TrendBucket`."""

    content: int  # database key
    bucket_ms: int


def keep_up(now_ms: int, *, batches: int = 200) -> int:
    """Take in what the log has gained; return how many events."""
    return drain(CONSUMER, of_now(now_ms), batches=batches)


def of_now(now_ms: int) -> Callable[[EventLog], None]:
    """Return a handler of events that passes over what is older than the buckets kept."""
    oldest = now_ms - TRENDS.kept_hours * HOUR_MS

    def keep(log: EventLog) -> None:
        catalog = content.catalog()
        log = log.take((log.content >= 0) & (log.viewer >= 0) & (log.at_ms >= oldest))
        if len(log):
            _merge(log, catalog)

    return keep


def _merge(log: EventLog, catalog: Catalog) -> None:
    """Set the bits of these events' viewers: one SELECT, one INSERT."""
    keys = np.stack([catalog.content_pk[log.content], log.at_ms // BUCKET_MS * BUCKET_MS], axis=1)
    unique, group = np.unique(keys, axis=0, return_inverse=True)
    _, _, is_long = event_weights(log, catalog)
    is_engaged = is_long | np.isin(log.kind, _ENGAGED)
    is_ours = np.isin(log.kind, _EXPOSED) & ((log.flags & EventFlag.FROM_FEED) != 0)
    engaged, shown = (
        sketches(group[mask], log.viewer[mask], len(unique)) for mask in (is_engaged, is_ours)
    )
    used = engaged.any(axis=1) | shown.any(axis=1)
    wanted = [Key(*key) for key in unique[used].tolist()]
    stored = _stored(wanted)
    TrendBucket.objects.bulk_create(
        [
            TrendBucket(
                content_id=key.content,
                bucket_ms=key.bucket_ms,
                engaged=_joined(stored.get(key, (b"", b""))[0], one),
                shown=_joined(stored.get(key, (b"", b""))[1], other),
            )
            for key, one, other in zip(wanted, engaged[used], shown[used], strict=True)
        ],
        batch_size=2000,
        update_conflicts=True,
        unique_fields=["content", "bucket_ms"],
        update_fields=["engaged", "shown"],
    )


def _stored(wanted: list[Key]) -> dict[Key, tuple[bytes, bytes]]:
    rows = TrendBucket.objects.filter(
        bucket_ms__in={key.bucket_ms for key in wanted},
        content_id__in={key.content for key in wanted},
    ).values_list("content_id", "bucket_ms", "engaged", "shown")
    return {Key(*row[:2]): (bytes(row[2]), bytes(row[3])) for row in rows}


def _joined(old: bytes, new: Sketches) -> bytes:
    """Return the union of two sketches; one without a viewer is stored as no bytes."""
    if old:
        new = new | np.frombuffer(old, np.uint8)
    return new.tobytes() if new.any() else b""


@dataclass(frozen=True, slots=True)
class Counts:
    """Distinct viewers of one bucket, for the contents that had any."""

    content: NDArray[np.int64]  # [n] database keys
    engaged: NDArray[np.float64]  # [n]
    shown: NDArray[np.float64]  # [n]


def counts(bucket_ms: int) -> Counts:
    """Return the viewers of one bucket."""
    found = TrendBucket.objects.filter(bucket_ms=bucket_ms).order_by("content_id")
    rows = list(found.values_list("content_id", "engaged", "shown"))
    return Counts(
        np.array([row[0] for row in rows], np.int64),
        n_distinct(_unpacked([row[1] for row in rows])),
        n_distinct(_unpacked([row[2] for row in rows])),
    )


def series(content_pk: int, *, until_ms: int) -> NDArray[np.float64]:
    """Return the engaged viewers of one content in all buckets kept, up to one; float64[t].

    Buckets in which nobody engaged with it are 0.
    """
    kept = TrendBucket.objects.filter(bucket_ms__lte=until_ms)
    first_ms = kept.order_by("bucket_ms").values_list("bucket_ms", flat=True).first()
    if first_ms is None:
        return np.empty(0)
    found = kept.filter(content_id=content_pk).order_by("bucket_ms")
    rows = list(found.values_list("bucket_ms", "engaged"))
    values = np.zeros((until_ms - first_ms) // BUCKET_MS + 1)
    at = (np.array([row[0] for row in rows], np.int64) - first_ms) // BUCKET_MS
    values[at] = n_distinct(_unpacked([row[1] for row in rows]))
    return values


def _unpacked(stored: Iterable[bytes | memoryview]) -> Sketches:
    packed = b"".join(bytes(one) or bytes(BYTES) for one in stored)
    return np.frombuffer(packed, np.uint8).reshape(-1, BYTES)
