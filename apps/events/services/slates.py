"""Log what was served."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from apps.core.turns import turn
from apps.events.models import Slate


class SlateRow(NamedTuple):
    """One page as it was served; arrays have one entry a slot, in the order shown."""

    id: UUID
    viewer_id: int
    feed_session: UUID
    served_ms: int
    first_position: int
    surface: int
    ranker: str
    variant: str
    feature_schema: str
    content_pks: NDArray[np.int64]
    scores: NDArray[np.floating]
    sources: NDArray[np.uint32]
    propensities: NDArray[np.floating]
    features: NDArray[np.floating] | None
    objective: int = 0  # version of the fusion weights


_PACKED_AS = {
    "content_pks": "<i8",
    "scores": "<f4",
    "sources": "<u4",
    "propensities": "<f4",
    "features": "<f4",
}
_INSERT = (
    f"INSERT INTO {Slate._meta.db_table} ({', '.join(SlateRow._fields)})"  # noqa: S608  constants
    f" VALUES ({', '.join(['%s'] * len(SlateRow._fields))})"
)


def log_slate(slate: SlateRow) -> None:
    """Store one page. One plain statement: on the request path a model instance costs more."""
    values = [_stored(*field) for field in slate._asdict().items()]
    with turn(), connection.cursor() as cursor:
        cursor.execute(_INSERT, values)


def _stored(name: str, value: Any) -> Any:
    """Return a value as the table holds it: arrays packed, UUIDs as the database at hand."""
    if name in _PACKED_AS:
        return b"" if value is None else value.astype(_PACKED_AS[name]).tobytes()
    is_text = isinstance(value, UUID) and not connection.features.has_native_uuid_field
    return value.hex if is_text else value
