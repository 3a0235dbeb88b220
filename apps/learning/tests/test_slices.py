"""Cuts of a log: nothing of the future is in what was known."""

from __future__ import annotations

import numpy as np
import pytest

from apps.candidates.tests.factories import NOW_MS, Happened, make_log
from apps.core.clock import DAY_MS, HOUR_MS
from apps.events.types import EventFlag, EventLog, EventType
from apps.learning.slices import last_views_slice, recent_slices, temporal_slice, timed_views


def dense_log() -> EventLog:
    """Return 100 views by ten viewers, an hour apart; every tenth is liked a minute later."""
    views = [(i % 10 + 1, i % 7, NOW_MS - (100 - i) * HOUR_MS) for i in range(100)]
    likes = [(v, row, at + 60_000, EventType.LIKE) for v, row, at in views[::10]]
    return make_log([*views, *likes])


def sparse_log() -> EventLog:
    """Return eight views each of 40 viewers, a viewer a month, the last viewer lately."""
    return make_log(
        [
            (viewer, row, NOW_MS - (40 - viewer) * 30 * DAY_MS - (8 - row) * HOUR_MS)
            for viewer in range(1, 41)
            for row in range(8)
        ]
    )


class TestDenseLog:
    def test_slices_are_windows_of_time_the_latest_first(self) -> None:
        first, second = recent_slices(dense_log(), n=2, share=0.2)
        assert first.at_ms == NOW_MS - 20 * HOUR_MS
        assert second.at_ms == NOW_MS - 40 * HOUR_MS

    def test_futures_are_disjoint_and_hold_the_share(self) -> None:
        first, second = recent_slices(dense_log(), n=2, share=0.2)
        assert timed_views(first.future).sum() == timed_views(second.future).sum() == 20
        assert second.future.at_ms.max() < first.future.at_ms.min()

    @pytest.mark.parametrize("number", [0, 1])
    def test_past_is_strictly_before_the_moment_and_the_future_is_not(self, number: int) -> None:
        part = list(recent_slices(dense_log(), n=2, share=0.2))[number]
        assert part.past.at_ms.max() < part.at_ms <= part.future.at_ms.min()

    def test_past_is_everything_before(self) -> None:
        part = next(iter(recent_slices(dense_log(), n=1, share=0.2)))
        assert len(part.past) == 80 + 8
        assert len(part.past) + len(part.future) == len(dense_log())

    def test_there_are_no_slices_beyond_the_start_of_the_log(self) -> None:
        assert len(list(recent_slices(dense_log(), n=9, share=0.3))) == 3

    def test_empty_log_has_no_slices(self) -> None:
        assert list(recent_slices(EventLog.empty(), n=2, share=0.2)) == []


class TestSparseLog:
    def test_slices_are_the_last_views_of_each_viewer(self) -> None:
        # Of eight views at most half are held: four instead of five, then two.
        sizes = [len(part.future) for part in recent_slices(sparse_log(), n=2, share=0.2)]
        assert sizes == [40 * 4, 40 * 2]

    def test_viewers_are_known_before_what_is_held_of_them(self) -> None:
        part = next(iter(recent_slices(sparse_log(), n=1, share=0.2)))
        known = {v: part.past.at_ms[part.past.viewer == v].max() for v in range(1, 41)}
        assert all(
            known[viewer] < at
            for viewer, at in zip(part.future.viewer.tolist(), part.future.at_ms, strict=True)
        )


class TestTemporalSlice:
    def test_cut_is_by_the_views_whose_time_is_known(self) -> None:
        imputed = [
            Happened(9, 1, NOW_MS - (500 + i) * DAY_MS, flags=EventFlag.TIME_IMPUTED)
            for i in range(400)
        ]
        log = EventLog.concat([dense_log(), make_log(imputed)])
        part = temporal_slice(log, share=0.2)
        assert part.at_ms == NOW_MS - 20 * HOUR_MS
        assert len(part.past) == 400 + 88

    def test_events_of_the_same_moment_are_on_the_same_side(self) -> None:
        log = make_log([(1, i, NOW_MS - DAY_MS * (i < 5)) for i in range(10)])
        part = temporal_slice(log, share=0.2)
        assert (len(part.past), len(part.future)) == (5, 5)


class TestLastViewsSlice:
    # Viewer 1 watches 0, 1 (liked), 2 (liked); viewer 2 watches 3 only, later than all.
    LOG = make_log(
        [
            (1, 0, NOW_MS - 50),
            (1, 1, NOW_MS - 40),
            (1, 1, NOW_MS - 35, EventType.LIKE),
            (1, 2, NOW_MS - 30),
            (1, 2, NOW_MS - 25, EventType.LIKE),
            (1, 0, NOW_MS - 20, EventType.SHARE),
            (2, 3, NOW_MS - 10),
        ]
    )

    def test_last_view_is_the_future(self) -> None:
        future = last_views_slice(self.LOG).future
        assert list(zip(future.viewer, future.content, strict=True)) == [(1, 2)]

    def test_nothing_after_the_held_view_is_known_of_its_viewer(self) -> None:
        past = last_views_slice(self.LOG).past
        mine = past.take(past.viewer == 1)
        assert mine.content.tolist() == [0, 1, 1]
        assert mine.kind.tolist() == [EventType.VIEW, EventType.VIEW, EventType.LIKE]

    def test_viewers_with_a_single_view_keep_it(self) -> None:
        past = last_views_slice(self.LOG).past
        assert past.content[past.viewer == 2].tolist() == [3]

    def test_everybody_asks_after_the_end(self) -> None:
        assert last_views_slice(self.LOG).at_ms == NOW_MS - 9

    def test_viewers_keep_at_least_half_of_their_views(self) -> None:
        part = last_views_slice(make_log([(1, i, NOW_MS + i) for i in range(7)]), m=5)
        assert part.future.content.tolist() == [4, 5, 6]

    def test_events_of_nobody_stay_known(self) -> None:
        upload = make_log([(-1, 4, NOW_MS, EventType.CONTENT_UPLOAD)])
        part = last_views_slice(EventLog.concat([self.LOG, upload]))
        assert (part.past.viewer == -1).sum() == 1

    def test_log_without_views_is_all_past(self) -> None:
        part = last_views_slice(make_log([(1, 0, NOW_MS, EventType.LIKE)]))
        assert (len(part.past), len(part.future)) == (1, 0)


def test_views_of_nothing_and_of_imputed_times_are_not_timed() -> None:
    log = make_log(
        [
            Happened(1, 0, NOW_MS),
            Happened(1, -1, NOW_MS),
            Happened(1, 0, NOW_MS, EventType.LIKE),
            Happened(1, 0, NOW_MS, flags=EventFlag.TIME_IMPUTED | EventFlag.LONG_VIEW),
        ]
    )
    np.testing.assert_array_equal(timed_views(log), [True, False, False, False])
