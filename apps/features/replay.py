"""Point-in-time features: the log is played again, and each pair sees what was known before it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import EventLog
from apps.features.history import Histories
from apps.features.selectors import SCHEMA, compute
from apps.features.stats import Stats
from apps.features.view import View

# Serving refreshes its counters every second or so; a longer step here only makes training see
# counters a little older than serving does, never newer.
STEP_MS = 300_000
_MOST_PAIRS = 20_000  # pairs whose features are computed at once


@dataclass(frozen=True, slots=True)
class Pairs:
    """Viewers and contents at moments, in time order; all int64[n]."""

    viewer: NDArray[np.int64]
    content: NDArray[np.int64]  # catalog rows
    at_ms: NDArray[np.int64]
    surface: NDArray[np.int64]
    utc_offset_minutes: NDArray[np.int64]
    language: NDArray[np.int64]  # of the viewer, catalog code, −1 unknown

    def __len__(self) -> int:
        return len(self.at_ms)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Pairs:
        """Return the pairs that `index` picks."""
        return Pairs(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    @classmethod
    def of_events(cls, log: EventLog) -> Pairs:
        """Return one pair an event of `log`."""
        return cls(
            viewer=log.viewer,
            content=log.content,
            at_ms=log.at_ms,
            surface=log.surface.astype(np.int64),
            utc_offset_minutes=log.utc_offset_minutes.astype(np.int64),
            language=np.full(len(log), -1, np.int64),
        )


def replay(log: EventLog, catalog: Catalog, pairs: Pairs) -> NDArray[np.float32]:
    """Return float32[n, len(SCHEMA)]: the features of each pair as of its own moment.

    Histories are cut strictly before the pair's moment; counters hold the events before the start
    of its step of `STEP_MS`. Nothing of a pair's own outcome can be in its features.
    """
    histories = Histories(log, catalog)
    stats = Stats(catalog)
    features = np.empty((len(pairs), len(SCHEMA)), np.float32)
    counted = 0
    for part, upto in _steps(pairs.at_ms, log.at_ms):
        if upto > counted:
            stats.advance(log.take(slice(counted, upto)))
            counted = upto
        features[part] = compute(pair_view(pairs.take(part), catalog, stats, histories))
    return features


def pair_view(pairs: Pairs, catalog: Catalog, stats: Stats, histories: Histories) -> View:
    """Return the view in which every pair is its own query."""
    return View(
        catalog=catalog,
        stats=stats,
        history=histories.cut(pairs.viewer, pairs.at_ms),
        at_ms=pairs.at_ms,
        surface=pairs.surface,
        utc_offset_minutes=pairs.utc_offset_minutes,
        language=pairs.language,
        rows=pairs.content,
        query_of=np.arange(len(pairs)),
    )


def _steps(at_ms: NDArray[np.int64], log_ms: NDArray[np.int64]) -> Iterator[tuple[slice, int]]:
    """Yield slices of ascending moments that see the same counters, and how many events these hold.

    Steps between which nothing happened are one.
    """
    if not len(at_ms):
        return
    counted = np.searchsorted(log_ms, at_ms // STEP_MS * STEP_MS, side="left")
    starts = np.flatnonzero(np.diff(counted, prepend=-1))
    for start, end in zip(starts, np.append(starts[1:], len(at_ms)), strict=True):
        for first in range(start, end, _MOST_PAIRS):
            yield slice(first, min(first + _MOST_PAIRS, end)), int(counted[start])
