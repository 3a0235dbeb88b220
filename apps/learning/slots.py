"""Slots: where in a page a content was shown, with what the ranker saw and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events import selectors as events
from apps.events import slates
from apps.events.models import Slate
from apps.events.types import EventLog, EventType
from apps.features.selectors import NAMES, SCHEMA
from apps.learning.outcomes import OUTCOME_WINDOW_MS, label_views, search_rows
from apps.ranking.inputs import Inputs, ids_of
from apps.ranking.rankers import SELECT_HASH, SELECT_NAMES

_IDS = 2**128  # request ids are drawn at random from so many
_SLOT = NAMES.index("slot")
_WIDTH = len(SELECT_NAMES)


def slots_of(log: EventLog, catalog: Catalog, *, schema: str | None = None) -> NDArray[np.float32]:
    """Return the slot of each event's content, float32[n] from 1, NaN where no slate is known.

    schema: only slates that keep these features count.

    An event belongs to its viewer's latest slate with the content, if that is at most an hour
    older. Contents high in a page are watched more whatever they are; a ranker that knows the slot
    learns the rest, and is asked about the first one.
    """
    slots = np.full(len(log), np.nan, np.float32)
    if not len(log):
        return slots
    since_ms = int(log.at_ms[0]) - OUTCOME_WINDOW_MS
    shown = slates.shown(since_ms=since_ms, until_ms=int(log.at_ms[-1]) + 1, schema=schema)
    if not len(shown.at_ms):
        return slots
    keys = np.stack([shown.viewer, catalog.rows_of(shown.content_pk), shown.at_ms], axis=1)
    order = np.lexsort(keys.T[::-1])
    keys = keys[order]
    at = search_rows(keys, np.stack([log.viewer, log.content, log.at_ms], axis=1)) - 1
    found = keys[np.maximum(at, 0)]
    is_same = (found[:, 0] == log.viewer) & (found[:, 1] == log.content)
    is_close = log.at_ms - found[:, 2] <= OUTCOME_WINDOW_MS
    known = (at >= 0) & is_same & is_close & (log.content >= 0)
    slots[known] = shown.slot[order[at[known]]]
    return slots


@dataclass(frozen=True, slots=True)
class Slots:
    """n slots, slate by slate."""

    features: NDArray[np.float32]  # [n, len(SELECT_NAMES)] as the ranker saw them
    inputs: Inputs  # of the heads, each slot at its place in the page
    slate: NDArray[np.int64]  # [n] number of the slate
    propensity: NDArray[np.float64]  # [n]
    viewed: NDArray[np.int64]  # [v] slots that were viewed
    labels: dict[str, NDArray[np.bool_]]  # head → [v] what came of them

    def __len__(self) -> int:
        return len(self.slate)


def read_slots(
    catalog: Catalog,
    *,
    since_ms: int,
    until_ms: int,
    share: float,
    most: int,
    log: EventLog | None = None,
) -> Slots:
    """Return the slots of a share (0, 1] of the slates served in a time, the latest `most`.

    The share is a range of request ids, which are random: any two calls draw the same. Slots that
    nobody scored and slates of other features are left out. What came of them is read from `log`;
    without one all that is known counts. Two queries at most.
    """
    found = _slates(since_ms, until_ms, share, most)
    sizes = [len(row.content_pks) // 8 for row in found]
    slate = np.repeat(np.arange(len(found)), sizes)
    place = np.arange(len(slate)) - np.repeat(np.cumsum([0, *sizes])[:-1], sizes)
    features = _joined([row.features for row in found], "<f4").reshape(-1, _WIDTH)
    rows = catalog.rows_of(_joined([row.content_pks for row in found], "<i8"))
    stays = (rows >= 0) & ~np.isnan(features).all(axis=1)

    features, rows, slate = features[stays], rows[stays], slate[stays]
    viewer = np.array([row.viewer for row in found], np.int64)[slate]
    at_ms = np.array([row.served_ms for row in found], np.int64)[slate]
    propensity = _joined([row.propensities for row in found], "<f4")[stays]
    of_pairs = features[:, -len(NAMES) :].copy()
    of_pairs[:, _SLOT] = np.minimum(place[stays] + 1, SCHEMA[_SLOT].high)
    viewed, labels = _outcomes(viewer, rows, at_ms, catalog, log)
    return Slots(
        features=features,
        inputs=Inputs(of_pairs, ids_of(viewer, rows, catalog)),
        slate=slate,
        propensity=propensity.astype(np.float64),
        viewed=viewed,
        labels=labels,
    )


class _Slate(NamedTuple):
    viewer: int
    served_ms: int
    content_pks: bytes
    propensities: bytes
    features: bytes


def _slates(since_ms: int, until_ms: int, share: float, most: int) -> list[_Slate]:
    found = Slate.objects.filter(
        served_ms__gte=since_ms, served_ms__lt=until_ms, feature_schema=SELECT_HASH
    )
    if share < 1:
        found = found.filter(id__lt=UUID(int=int(share * _IDS)))
    fields = ("viewer_id", "served_ms", "content_pks", "propensities", "features")
    rows = found.order_by("-served_ms", "-id").values_list(*fields)[:most]
    return [_Slate(*row[:2], *map(bytes, row[2:])) for row in rows]


def _joined(parts: list[bytes], kind: str) -> NDArray:
    return np.frombuffer(b"".join(parts), kind)


def _outcomes(
    viewer: NDArray[np.int64],
    rows: NDArray[np.int64],
    at_ms: NDArray[np.int64],
    catalog: Catalog,
    log: EventLog | None,
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.bool_]]]:
    """Return the slots [v] whose content its viewer viewed within the hour, and the labels [v]."""
    if not len(rows):
        return np.empty(0, np.int64), {}
    if log is None:
        until_ms = int(at_ms.max()) + 2 * OUTCOME_WINDOW_MS
        whose = np.unique(viewer)
        log = events.log_of(whose, catalog, after_ms=int(at_ms.min()), until_ms=until_ms)
    views = np.flatnonzero((log.kind == EventType.VIEW) & (log.content >= 0))
    keys = np.stack([log.viewer[views], log.content[views], log.at_ms[views]], axis=1)
    order = np.lexsort(keys.T[::-1])
    keys = keys[order]
    # The first view that is no earlier than the slate.
    at = search_rows(keys, np.stack([viewer, rows, at_ms - 1], axis=1))
    is_there = at < len(keys)
    found = keys[np.minimum(at, len(keys) - 1)] if len(keys) else np.full((len(at), 3), -1)
    is_same = (found[:, 0] == viewer) & (found[:, 1] == rows)
    viewed = np.flatnonzero(is_there & is_same & (found[:, 2] - at_ms <= OUTCOME_WINDOW_MS))
    return viewed, label_views(log, views[order[at[viewed]]], catalog) if len(viewed) else {}
