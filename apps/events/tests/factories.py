"""Events as clients send them, and logs in memory."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from apps.content.tests.factories import DAY_MS, NOW_MS
from apps.content.types import Catalog
from apps.core.clock import to_datetime
from apps.events.models import QuarantinedEvent
from apps.events.services import IngestRules, ingest
from apps.events.types import DEVICES, EventLog, EventType, IngestAnswer, Refusal


def make_event(kind: str = "view", at_ms: int | None = NOW_MS, **given: Any) -> dict[str, Any]:
    """Return one event of alice about v1, as a client sends it."""
    event = {"type": kind, "user_id": "alice", "content_id": "v1", **given}
    if at_ms is not None:
        event["timestamp"] = to_datetime(at_ms).isoformat()
    return {name: value for name, value in event.items() if value is not None}


def send(*events: dict[str, Any] | bytes, now_ms: int = NOW_MS, **rules: Any) -> IngestAnswer:
    """Hand a batch to the intake."""
    raw = [e if isinstance(e, bytes) else msgspec.json.encode(e) for e in events]
    return ingest(raw, IngestRules(now_ms=now_ms, **rules))


def make_log(catalog: Catalog, n: int = 300, *, viewers: int = 6, seed: int = 0) -> EventLog:
    """Return a random log of 20 days in time order, with some values unknown."""
    rng = np.random.default_rng(seed)
    content = rng.integers(-1, len(catalog), n)
    watch = rng.uniform(0, 40, n).astype(np.float32)
    watch[::7] = np.nan
    kinds = np.array([EventType.VIEW] * 6 + [k for k in EventType if k < EventType.CONTENT_UPLOAD])
    return EventLog(
        viewer=rng.integers(1, viewers + 1, n),
        content=content,
        creator=np.where(content >= 0, catalog.creator[content], -1),
        kind=rng.choice(kinds, n).astype(np.int8),
        at_ms=np.sort(NOW_MS - rng.integers(0, 20 * DAY_MS, n)),
        watch_seconds=watch,
        flags=rng.choice([0, 0, 1, 2], n).astype(np.int16),
        surface=rng.integers(0, 3, n).astype(np.int16),
        utc_offset_minutes=rng.choice([0, 60, -300], n).astype(np.int16),
        device=rng.integers(0, len(DEVICES), n).astype(np.int8),
        network_ms=np.where(rng.random(n) < 0.5, rng.uniform(20, 900, n), np.nan).astype(
            np.float32
        ),
    )


def outcome(*events: Any, **rules: Any) -> tuple[int, int, list[str]]:
    """Return accepted, duplicates and the codes of what was refused."""
    answer = send(*events, **rules)
    return answer.accepted, answer.duplicates, [r.code for r in answer.rejected]


def refusal(*events: Any, **rules: Any) -> Refusal:
    """Return the one refusal of a batch."""
    (refused,) = send(*events, **rules).rejected
    return refused


def kept() -> QuarantinedEvent:
    """Return the one event that did not enter the log."""
    return QuarantinedEvent.objects.get()
