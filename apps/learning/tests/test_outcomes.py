"""What came of each view."""

from __future__ import annotations

import numpy as np
import pytest

from apps.candidates.tests.factories import NOW_MS, Happened, make_catalog, make_log
from apps.events.types import EventFlag, EventType
from apps.learning.outcomes import OUTCOME_WINDOW_MS, label_views
from apps.ranking.types import Head

VIEW, LIKE = EventType.VIEW, EventType.LIKE
CATALOG = make_catalog(4, duration_seconds=np.array([20, 2, 60, np.nan], np.float32))


def labels_of(head: Head, *events: Happened | tuple) -> list[bool]:
    """Return the head's label of each view, in time order."""
    log = make_log(events)
    return label_views(log, np.flatnonzero(log.kind == VIEW), CATALOG)[head].tolist()


class TestFollowingEvents:
    def test_like_within_the_window_counts(self) -> None:
        after = NOW_MS + OUTCOME_WINDOW_MS
        assert labels_of(Head.LIKE, (1, 0, NOW_MS), (1, 0, after, LIKE)) == [True]

    def test_like_after_the_window_does_not(self) -> None:
        after = NOW_MS + OUTCOME_WINDOW_MS + 1
        assert labels_of(Head.LIKE, (1, 0, NOW_MS), (1, 0, after, LIKE)) == [False]

    def test_like_before_the_view_does_not(self) -> None:
        assert labels_of(Head.LIKE, (1, 0, NOW_MS - 1, LIKE), (1, 0, NOW_MS)) == [False]

    def test_like_of_the_same_moment_counts(self) -> None:
        assert labels_of(Head.LIKE, (1, 0, NOW_MS), (1, 0, NOW_MS, LIKE)) == [True]

    def test_latest_view_before_it_has_it(self) -> None:
        views = [(1, 0, NOW_MS), (1, 0, NOW_MS + 600_000), (1, 0, NOW_MS + 1_200_000)]
        assert labels_of(Head.LIKE, *views, (1, 0, NOW_MS + 700_000, LIKE)) == [False, True, False]

    def test_like_is_of_its_own_viewer_and_content_only(self) -> None:
        views = [(1, 0, NOW_MS), (2, 0, NOW_MS), (1, 1, NOW_MS), (3, 2, NOW_MS)]
        assert labels_of(Head.LIKE, *views, (1, 1, NOW_MS + 5, LIKE)) == [False, False, True, False]

    @pytest.mark.parametrize(
        ("head", "kind"),
        [
            (Head.COMMENT, EventType.COMMENT),
            (Head.SHARE, EventType.SHARE),
            (Head.SAVE, EventType.SAVE),
            (Head.FOLLOW, EventType.FOLLOW),
            (Head.HIDE, EventType.HIDE),
            (Head.REPORT, EventType.REPORT),
            (Head.REPLAY, EventType.REPLAY),
            (Head.SKIP, EventType.SKIP),
            (Head.COMPLETE, EventType.COMPLETE_VIEW),
        ],
    )
    def test_each_head_has_its_event(self, head: Head, kind: EventType) -> None:
        log = make_log([(1, 2, NOW_MS), (1, 2, NOW_MS + 9, kind)])
        labels = label_views(log, np.array([0]), CATALOG)
        assert labels[head].tolist() == [True]
        assert {name for name, label in labels.items() if label[0]} == {
            head,
            Head.LONG_VIEW,
            Head.CLICK,
        }


class TestWatchTime:
    def watched(self, head: Head, content: int, *seconds: float) -> list[bool]:
        views = [(1, content, NOW_MS + i, VIEW, watch) for i, watch in enumerate(seconds)]
        return labels_of(head, *views)

    def test_complete_is_nearly_the_whole_length(self) -> None:
        # 0.97 · 20 s = 19.4 s
        assert self.watched(Head.COMPLETE, 0, 19.3, 19.5, np.nan) == [False, True, False]

    def test_unknown_length_cannot_be_completed(self) -> None:
        assert self.watched(Head.COMPLETE, 3, 500.0) == [False]

    def test_skip_is_under_two_seconds(self) -> None:
        assert self.watched(Head.SKIP, 0, 1.9, 2.0, np.nan) == [True, False, False]

    def test_skip_of_a_short_content_is_under_half_of_it(self) -> None:
        assert self.watched(Head.SKIP, 1, 0.9, 1.0) == [True, False]

    def test_long_view_is_18_seconds_or_all(self) -> None:
        assert self.watched(Head.LONG_VIEW, 2, 17.9, 18.0) == [False, True]
        assert self.watched(Head.LONG_VIEW, 1, 1.9, 2.0) == [False, True]

    def test_click_is_seven_seconds(self) -> None:
        assert self.watched(Head.CLICK, 2, 6.9, 7.0, np.nan) == [False, True, False]

    def test_declared_long_view_is_believed(self) -> None:
        view = Happened(1, 2, NOW_MS, VIEW, 1.0, EventFlag.LONG_VIEW)
        assert labels_of(Head.LONG_VIEW, view) == [True]


def test_labels_follow_the_order_of_the_views_asked_for() -> None:
    log = make_log([(1, 0, NOW_MS), (1, 1, NOW_MS + 1), (1, 0, NOW_MS + 2, LIKE)])
    assert label_views(log, np.array([1, 0]), CATALOG)[Head.LIKE].tolist() == [False, True]


def test_every_head_has_a_label_even_without_views() -> None:
    labels = label_views(make_log([]), np.empty(0, np.int64), CATALOG)
    assert {name: len(label) for name, label in labels.items()} == dict.fromkeys(Head, 0)
