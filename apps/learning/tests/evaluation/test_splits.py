"""Who is judged by what."""

from __future__ import annotations

from apps.candidates.tests.factories import NOW_MS, make_log
from apps.events.types import EventType
from apps.learning.evaluation.splits import truth_of
from apps.learning.slices import Slice
from apps.learning.tests.evaluation.factories import CATALOG

VIEW = EventType.VIEW


class TestTruth:
    # Viewers 1–4 have a past; 5 has none.
    PAST = make_log([(viewer, 0, NOW_MS - 100) for viewer in (1, 2, 3, 4)])
    FUTURE = make_log(
        [
            (1, 1, NOW_MS),  # long and new: relevant
            (1, 2, NOW_MS + 1, VIEW, 3.0),  # short
            (1, 1, NOW_MS + 2),  # again: one content
            (2, 0, NOW_MS + 3),  # long, but met before
            (3, 4, NOW_MS + 4, VIEW, 3.0),  # short
            (3, 5, NOW_MS + 5, EventType.LIKE),  # no view
            (4, 3, NOW_MS + 6),
            (4, 7, NOW_MS + 7),
            (5, 1, NOW_MS + 8),  # long, by a stranger
        ]
    )
    PART = Slice(PAST, FUTURE, NOW_MS)

    def test_relevant_are_unseen_long_views(self) -> None:
        truth = truth_of(self.PART, CATALOG, any_view=False)
        assert dict(zip(truth.viewers, truth.relevant, strict=True)) == {1: {1}, 4: {3, 7}}

    def test_viewers_who_are_not_judged_are_counted(self) -> None:
        truth = truth_of(self.PART, CATALOG, any_view=False)
        assert truth.n_cold == 1  # viewer 5
        assert truth.n_without == 2  # viewers 2 and 3

    def test_any_view_is_relevant_when_only_the_last_is_held(self) -> None:
        views = self.FUTURE.take(self.FUTURE.kind == VIEW)
        truth = truth_of(Slice(self.PAST, views, NOW_MS), CATALOG, any_view=True)
        assert dict(zip(truth.viewers, truth.relevant, strict=True)) == {
            1: {1, 2},
            3: {4},
            4: {3, 7},
        }
