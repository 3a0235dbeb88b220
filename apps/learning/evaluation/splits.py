"""How a log is cut into what may be learned and what is judged, by protocol (spec §11.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.core.clock import to_datetime
from apps.core.errors import RecsysError
from apps.events.types import EventLog, is_long_view
from apps.learning.slices import (
    Slice,
    last_views_slice,
    temporal_slice,
    time_slices,
    timed_views,
)

PROTOCOLS = ("temporal", "leave-last", "rolling", "kfold", "prequential")
TEST_SHARE = 0.2
ROLLING_FOLDS, ROLLING_SHARE = 3, 0.1
GROUPS = 3  # of viewers, in k-fold
FIRST_VIEWS = 5  # of a held-out viewer, which are shown before the viewer is judged


class EvaluationError(RecsysError):
    """There is nothing to judge."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What each judged viewer went on to watch, unseen before."""

    viewers: list[int]
    relevant: list[set[int]]  # catalog rows
    n_cold: int  # viewers with relevant contents but no past: not judged
    n_without: int  # viewers in the future without any relevant content: not judged


@dataclass(frozen=True, slots=True)
class Fold:
    """One cut: what models learn from, what is known when viewers ask, and what they did next."""

    name: str
    learned: EventLog  # `part.past`, or less: nothing of held-out viewers
    part: Slice
    truth: Truth


def folds(log: EventLog, catalog: Catalog, protocol: str) -> Iterator[Fold]:
    """Yield the folds of the protocol; in none of them is anything learned from the future.

    temporal: the future is the last fifth of the views with a known time; relevant are long views.
    leave-last: the future is each viewer's last view; relevant is its content, long or not.
    rolling: temporal at several cuts, each future a tenth of the views, the earliest first.
    kfold: viewers in groups; models learn from the others before the cut of `temporal`, and a
    group's viewers who come after it are judged as newcomers, after their first views.
    """
    if not len(log):
        raise EvaluationError("the log is empty: there is nothing to judge")
    if protocol == "kfold":
        yield from _newcomer_folds(log, catalog)
        return
    for number, part in enumerate(_slices(log, protocol), 1):
        is_last = protocol == "leave-last"
        yield Fold(f"cut {number}", part.past, part, truth_of(part, catalog, any_view=is_last))


def split(log: EventLog, catalog: Catalog, protocol: str) -> tuple[Slice, Truth]:
    """Return past, future and truth of the protocol's latest fold."""
    fold = list(folds(log, catalog, protocol))[-1]
    return fold.part, fold.truth


def describe(fold: Fold, catalog: Catalog) -> dict[str, Any]:
    """Return how large the fold is, and who is not judged."""
    part, truth = fold.part, fold.truth
    return {
        "cut": to_datetime(part.at_ms).isoformat(),
        "events_learned": len(fold.learned),
        "events_known": len(part.past),
        "events_after": len(part.future),
        "contents": len(catalog),
        "viewers_judged": len(truth.viewers),
        "viewers_without_past": truth.n_cold,
        "viewers_without_relevant": truth.n_without,
        "relevant": sum(len(r) for r in truth.relevant),
    }


def _slices(log: EventLog, protocol: str) -> list[Slice]:
    if protocol == "leave-last":
        return [last_views_slice(log)]
    if protocol == "rolling":
        return list(time_slices(log, n=ROLLING_FOLDS, share=ROLLING_SHARE))[::-1]
    return [temporal_slice(log, share=TEST_SHARE)]


def _newcomer_folds(log: EventLog, catalog: Catalog) -> Iterator[Fold]:
    cut = temporal_slice(log, share=TEST_SHARE)
    later = cut.future
    is_view = timed_views(later) & (later.viewer >= 0)
    group = _group_of(later.viewer)
    rank = _rank_of_view(later.viewer, is_view)
    for held in range(GROUPS):
        is_held = (group == held) & (later.viewer >= 0)
        shown = later.take(is_held & (rank < FIRST_VIEWS))
        learned = cut.past.take((_group_of(cut.past.viewer) != held) | (cut.past.viewer < 0))
        past = EventLog.concat([learned, shown])
        at_ms = int(past.at_ms[-1]) + 1 if len(past) else cut.at_ms
        part = Slice(past, later.take(is_held & (rank >= FIRST_VIEWS)), at_ms)
        truth = truth_of(part, catalog, any_view=False)
        yield Fold(f"group {held + 1}", learned, part, truth)


def _group_of(viewer: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the group 0 … GROUPS − 1 of viewers: mixed, since neighbors in number came together.

    The multiplier is Knuth's, 2³² / φ.
    """
    mixed = viewer.astype(np.uint64) * np.uint64(2_654_435_761) % np.uint64(2**32)
    return ((mixed >> np.uint64(16)) % np.uint64(GROUPS)).astype(np.int64)


def _rank_of_view(viewer: NDArray[np.int64], is_view: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return for each event how many views its viewer had before it, in this log."""
    order = np.argsort(viewer, kind="stable")
    before: NDArray[np.int64] = np.cumsum(is_view[order]) - is_view[order]
    starts = np.flatnonzero(np.diff(viewer[order], prepend=viewer[order][:1] - 1))
    first: NDArray[np.int64] = np.repeat(before[starts], np.diff(np.append(starts, len(order))))
    rank = np.empty(len(viewer), np.int64)
    rank[order] = before - first
    return rank


def truth_of(part: Slice, catalog: Catalog, *, any_view: bool) -> Truth:
    """Return what the viewers of the future watched: long views of what they had not met."""
    future = part.future.take(timed_views(part.future) | any_view)
    future = future.take(future.content >= 0)
    duration = catalog.duration_seconds[future.content]
    is_relevant = is_long_view(future.watch_seconds, duration, future.flags) | any_view
    n = len(catalog)
    seen = np.unique(part.past.viewer * n + part.past.content)
    pair = np.unique((future.viewer * n + future.content)[is_relevant])
    pair = pair[~np.isin(pair, seen)]
    relevant: dict[int, set[int]] = {}
    for viewer, row in zip((pair // n).tolist(), (pair % n).tolist(), strict=True):
        relevant.setdefault(viewer, set()).add(row)
    known = set(np.unique(part.past.viewer).tolist())
    warm = [viewer for viewer in relevant if viewer in known]
    return Truth(
        viewers=warm,
        relevant=[relevant[viewer] for viewer in warm],
        n_cold=len(relevant) - len(warm),
        n_without=len(set(np.unique(future.viewer).tolist()) - relevant.keys()),
    )
