"""Point-in-time features: the log is played again, and each pair sees what was known before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import EventLog
from apps.features.algorithms.counters import MAX_STRETCH_MS
from apps.features.definitions import SCHEMA, compute
from apps.features.history import Histories
from apps.features.stats import Stats
from apps.features.types import Asked, Facts
from apps.features.view import View

_MOST_PAIRS = 1024  # pairs whose features are computed at once: their blocks stay in the cache


@dataclass(frozen=True, slots=True)
class Pairs:
    """Viewers and contents at moments, in time order; all of length n."""

    viewer: NDArray[np.int64]
    content: NDArray[np.int64]  # catalog rows
    at_ms: NDArray[np.int64]
    surface: NDArray[np.int64]
    utc_offset_minutes: NDArray[np.int64]
    language: NDArray[np.int64]  # of the viewer, catalog code, −1 unknown
    device: NDArray[np.int64]  # code of `events.types.DEVICES`, 0 unknown
    network_ms: NDArray[np.float32]  # what the client had measured last, NaN unknown
    slot: NDArray[np.float32]  # where in its page the content was shown, from 1, NaN unknown

    def __len__(self) -> int:
        return len(self.at_ms)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Pairs:
        """Return the pairs that `index` picks."""
        return Pairs(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def asked(self) -> Asked:
        """Return what each pair's query says."""
        return Asked(**{f.name: getattr(self, f.name) for f in fields(Asked)})

    @classmethod
    def of_events(
        cls,
        log: EventLog,
        language: NDArray[np.int64] | None = None,
        slot: NDArray[np.float32] | None = None,
    ) -> Pairs:
        """Return one pair an event of `log`, with language and slot of each, [n], if known."""
        n = len(log)
        return cls(
            viewer=log.viewer,
            content=log.content,
            at_ms=log.at_ms,
            surface=log.surface.astype(np.int64),
            utc_offset_minutes=log.utc_offset_minutes.astype(np.int64),
            language=np.full(n, -1, np.int64) if language is None else language,
            device=log.device.astype(np.int64),
            # An event's own load time was measured after the content had been chosen.
            network_ms=np.full(n, np.nan, np.float32),
            slot=np.full(n, np.nan, np.float32) if slot is None else slot,
        )


def replay(log: EventLog, catalog: Catalog, pairs: Pairs) -> NDArray[np.float32]:
    """Return float32[n, len(SCHEMA)]: the features of each pair as of its own moment.

    Histories and counters hold the events strictly before that moment, so nothing of a pair's own
    outcome can be in its features.
    """
    histories = Histories(log, catalog)
    stats = Stats(catalog)
    features = np.empty((len(pairs), len(SCHEMA)), np.float32)
    counted = 0
    for part in _stretches(pairs.at_ms):
        some = pairs.take(part)
        first, last = np.searchsorted(log.at_ms, some.at_ms[[0, -1]], side="left")
        if first > counted:
            stats.advance(log.take(slice(counted, first)))
            counted = int(first)
        features[part] = compute(
            pair_view(some, catalog, stats, histories, log.take(slice(counted, last)))
        )
    return features


def pair_view(
    pairs: Pairs, catalog: Catalog, stats: Stats, histories: Histories, uncounted: EventLog
) -> View:
    """Return the view in which every pair is its own query.

    uncounted: the events that `stats` does not hold yet, up to the last pair's moment.
    """
    asked = pairs.asked()
    return View(
        facts=Facts.of(catalog, pairs.content),
        counts=stats.counts_before(pairs.content, asked, uncounted),
        history=histories.cut(pairs.viewer, pairs.at_ms),
        asked=asked,
    )


def _stretches(at_ms: NDArray[np.int64]) -> Iterator[slice]:
    """Yield slices of ascending moments, short in number and in time."""
    start = 0
    while start < len(at_ms):
        close = np.searchsorted(at_ms, at_ms[start] + MAX_STRETCH_MS, side="right")
        end = min(start + _MOST_PAIRS, int(close))
        yield slice(start, end)
        start = end
