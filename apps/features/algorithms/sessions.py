"""Sessions: maximal runs of one viewer's activity without a long pause (spec §2.3, §8.2).

A stretch of activity continues while the next one starts at most `GAP_MS` after the latest end so
far. Joining stretches is associative: a session lies between two others exactly as its events do,
so sessions may be joined with sessions, in any order and in any parts, and the result is that of
joining all events at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

GAP_MS = 30 * 60 * 1000  # a pause of exactly this long still belongs to the session


@dataclass(frozen=True, slots=True)
class Sessions:
    """n stretches of activity, one column an array; all int64[n]."""

    viewer: NDArray[np.int64]
    started_ms: NDArray[np.int64]  # ms since 1970 UTC
    ended_ms: NDArray[np.int64]  # ≥ started_ms: the latest end of an event
    n_events: NDArray[np.int64]
    n_views: NDArray[np.int64]
    n_engagements: NDArray[np.int64]  # likes, comments, shares, saves, follows
    watch_ms: NDArray[np.int64]  # whole ms, so that sums are the same in any order

    def __len__(self) -> int:
        return len(self.viewer)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Sessions:
        """Return the rows that `index` picks, in that order."""
        return Sessions(*(getattr(self, f.name)[index] for f in fields(self)))

    @classmethod
    def concat(cls, parts: Sequence[Sessions]) -> Sessions:
        """Return the rows of all parts."""
        empty = np.empty(0, np.int64)
        return cls(
            *(np.concatenate([empty, *(getattr(p, f.name) for p in parts)]) for f in fields(cls))
        )

    def rows(self) -> list[tuple[int, ...]]:
        """Return one tuple a row, in the order of the fields."""
        return list(zip(*(getattr(self, f.name).tolist() for f in fields(self)), strict=True))


def merge(stretches: Sessions) -> Sessions:
    """Join stretches (events or sessions, in any order) to sessions, by viewer and start.

    A row opens a session when it starts more than `GAP_MS` after the latest end of all earlier
    rows of its viewer; ends may lie in any order. O(n log n).
    """
    if not len(stretches):
        return stretches
    ordered = stretches.take(np.lexsort((stretches.started_ms, stretches.viewer)))
    opens = np.flatnonzero(_opens(ordered))
    return Sessions(
        viewer=ordered.viewer[opens],
        started_ms=ordered.started_ms[opens],
        ended_ms=np.maximum.reduceat(ordered.ended_ms, opens),
        n_events=np.add.reduceat(ordered.n_events, opens),
        n_views=np.add.reduceat(ordered.n_views, opens),
        n_engagements=np.add.reduceat(ordered.n_engagements, opens),
        watch_ms=np.add.reduceat(ordered.watch_ms, opens),
    )


def _opens(ordered: Sessions) -> NDArray[np.bool_]:
    """Say which rows, ordered by viewer and start, open a session."""
    # A running maximum that starts anew with each viewer: (viewer, end) packed as ranks, which
    # cannot overflow however many viewers and years there are.
    is_first = np.append(True, ordered.viewer[1:] != ordered.viewer[:-1])
    ends, end_rank = np.unique(ordered.ended_ms, return_inverse=True)
    packed = np.maximum.accumulate(np.cumsum(is_first) * len(ends) + end_rank)
    latest_end = ends[packed % len(ends)]
    pause = ordered.started_ms[1:] - latest_end[:-1]
    return is_first | np.append(True, pause > GAP_MS)
