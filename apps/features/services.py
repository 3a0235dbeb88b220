"""Keep the counters' snapshot, and rebuild from the log what consumers have made of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from apps.core.clock import now_ms
from apps.core.leases import lease
from apps.events import selectors as events
from apps.features.algorithms.sessions import Sessions, merge
from apps.features.models import Session, Watermark
from apps.features.reader import StatsReader
from apps.features.sessions import CONSUMER, keep_up, of_events, sessions, write
from apps.features.types import Comparison

_ENOUGH = 1000  # new events that are worth a new snapshot
_TOLERANCE = 1e-9  # of sums of floats; counts without decay are compared by it too, and are exact
_LOOKS = 100  # more than it ever takes, unless what is kept has lost events: that is a difference


Rebuild = Callable[..., Iterator[Comparison]]  # called with `check`
_rebuilds: list[Rebuild] = []  # of the apps above this one


def also_rebuild(rebuild: Rebuild) -> None:
    """Let `rebuild` do this as well: an app above keeps tables of its own."""
    if rebuild not in _rebuilds:
        _rebuilds.append(rebuild)


def snapshot_counters(*, at_least: int = _ENOUGH) -> int:
    """Bring the stored snapshot up to date when `at_least` events are new.

    Goes on from the stored one. Returns its size in bytes, 0 where nothing was written.
    """
    with lease("counters snapshot") as is_mine:
        if not is_mine:
            return 0
        reader = StatsReader.from_snapshot()
        known = reader.stats.n_events
        reader.read_on()
        return reader.save() if reader.stats.n_events - known >= at_least else 0


def rebuild(*, check: bool) -> Iterator[Comparison]:
    """Work every aggregate out anew from the log and compare it with the kept one.

    Replaces what is kept, unless `check`.
    """
    yield from _rebuild_counters(check=check)
    yield _rebuild_sessions(check=check)
    for other in _rebuilds:
        yield from other(check=check)


def _rebuild_counters(*, check: bool) -> Iterator[Comparison]:
    start = time.perf_counter()
    kept, rebuilt = StatsReader.from_snapshot(), StatsReader()
    _read_to_the_same_event(kept, rebuilt)
    at_ms = now_ms()
    spent = time.perf_counter() - start
    names = {**rebuilt.stats.by, "total": rebuilt.stats.total}
    for name, counters in names.items():
        start = time.perf_counter()
        of_kept = kept.stats.total if name == "total" else kept.stats.by[name]
        rows = np.arange(min(len(counters.sums), len(of_kept.sums)))
        found = _compare(f"counters.{name}", of_kept.at(rows, at_ms), counters.at(rows, at_ms))
        used = int(counters.sums.any(axis=(1, 2)).sum())
        seconds = spent / len(names) + time.perf_counter() - start
        yield Comparison(found[0], used, *found[1:], seconds=seconds)
    if not check:
        rebuilt.save()


def _read_to_the_same_event(kept: StatsReader, rebuilt: StatsReader) -> None:
    """Read both on until no event came between the one and the other."""
    for _ in range(_LOOKS):
        kept.read_on()
        rebuilt.read_on()
        if kept.watermark == rebuilt.watermark:
            return


def _compare(
    name: str, kept: NDArray[np.float64], rebuilt: NDArray[np.float64]
) -> tuple[str, int, float, float]:
    """Return name, number of rows that differ, and the largest differences."""
    apart = np.abs(kept - rebuilt)
    size = np.maximum(np.abs(kept), np.abs(rebuilt))
    relative = np.where(size > _TOLERANCE, apart / np.maximum(size, _TOLERANCE), 0.0)
    differs = (apart > _TOLERANCE * (1 + size)).any(axis=(1, 2))
    return name, int(differs.sum()), float(apart.max(initial=0)), float(relative.max(initial=0))


def _rebuild_sessions(*, check: bool) -> Comparison:
    start = time.perf_counter()
    keep_up(batches=1_000_000)
    rebuilt, watermark = _read_sessions(Sessions.concat([]), (0, 0))
    with transaction.atomic():
        # Holds the consumer back, so that what it keeps stands still; most was read before.
        row = Watermark.objects.select_for_update().get(consumer=CONSUMER)
        while (row.transaction_id, row.event_id) != watermark:
            keep_up(batches=1_000_000)
            rebuilt, watermark = _read_sessions(rebuilt, watermark)
            row.refresh_from_db()
        kept = sessions()
        found = _compare_sessions(kept, rebuilt)
        if not check:
            _replace(set(kept.rows()), set(rebuilt.rows()))
    return Comparison("sessions", len(rebuilt), *found, seconds=time.perf_counter() - start)


def _read_sessions(known: Sessions, watermark: tuple[int, int]) -> tuple[Sessions, tuple[int, int]]:
    """Return `known` with all sessions of the log after the watermark, and the new watermark."""
    parts = [known]
    while True:
        log, watermark = events.since(watermark)
        if not len(log):
            return merge(Sessions.concat(parts)), watermark
        parts.append(of_events(log))


def _compare_sessions(kept: Sessions, rebuilt: Sessions) -> tuple[int, float, float]:
    """Return how many sessions are not in both, and the largest differences of those that are."""
    of_kept, of_rebuilt = kept.rows(), rebuilt.rows()
    differing = set(of_kept).symmetric_difference(of_rebuilt)
    by_start = {row[:2]: row[2:] for row in of_rebuilt}
    pairs = [(row[2:], by_start[row[:2]]) for row in of_kept if row[:2] in by_start]
    apart = [abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True)]
    sizes = [max(a, b, 1) for one, other in pairs for a, b in zip(one, other, strict=True)]
    relative = [a / s for a, s in zip(apart, sizes, strict=True)]
    starts = {row[:2] for row in differing}
    return len(starts), float(max(apart, default=0)), float(max(relative, default=0))


def _replace(kept: set[tuple[int, ...]], rebuilt: set[tuple[int, ...]]) -> None:
    """Write only what differs: on SQLite nobody can post events meanwhile."""
    gone = {row[:2] for row in kept} - {row[:2] for row in rebuilt}
    for viewer, started_ms in sorted(gone):
        Session.objects.filter(viewer_id=viewer, started_ms=started_ms).delete()
    write(rebuilt - kept)
