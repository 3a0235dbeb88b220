"""When an event happened, by clocks that are wrong."""

from __future__ import annotations

import pytest

from apps.content.tests.factories import DAY_MS, NOW_MS
from apps.events.models import Event
from apps.events.tests.factories import make_event, outcome, send
from apps.events.types import EventFlag

pytestmark = pytest.mark.django_db

MINUTE_MS = 60_000


@pytest.mark.usefixtures("v1")
class TestClock:
    def test_event_without_a_timestamp_happened_now(self) -> None:
        send(make_event(at_ms=None))

        assert Event.objects.get().occurred_ms == NOW_MS

    def test_naive_timestamp_is_utc(self) -> None:
        send(make_event(at_ms=None, timestamp="2025-10-09T08:00:00"))

        assert Event.objects.get().occurred_ms == 1_759_996_800_000

    def test_offset_of_a_timestamp_is_heeded(self) -> None:
        send(make_event(at_ms=None, timestamp="2025-10-09T10:00:00+02:00"))

        assert Event.objects.get().occurred_ms == 1_759_996_800_000

    @pytest.mark.parametrize("ahead_ms", [1, 5 * MINUTE_MS])
    def test_clock_a_little_ahead_is_believed(self, ahead_ms: int) -> None:
        send(make_event(at_ms=NOW_MS + ahead_ms))

        assert Event.objects.get().occurred_ms == NOW_MS + ahead_ms
        assert Event.objects.get().flags == 0

    @pytest.mark.parametrize("ahead_ms", [5 * MINUTE_MS + 1, DAY_MS, 365 * DAY_MS])
    def test_clock_far_ahead_is_corrected(self, ahead_ms: int) -> None:
        send(make_event(at_ms=NOW_MS + ahead_ms))

        assert Event.objects.get().occurred_ms == NOW_MS
        assert Event.objects.get().flags == EventFlag.TIME_CLAMPED

    def test_week_old_event_is_taken(self) -> None:
        assert outcome(make_event(at_ms=NOW_MS - 7 * DAY_MS)) == (1, 0, [])

    @pytest.mark.parametrize("age_ms", [7 * DAY_MS + 1, 365 * DAY_MS])
    def test_older_event_needs_the_scope_to_backfill(self, age_ms: int) -> None:
        event = make_event(at_ms=NOW_MS - age_ms)

        assert outcome(event) == (0, 0, ["too-old"])
        assert outcome(event, may_backfill=True) == (1, 0, [])
        assert Event.objects.get().occurred_ms == NOW_MS - age_ms

    @pytest.mark.parametrize("stamp", ["0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z"])
    def test_event_before_1970_is_always_refused(self, stamp: str) -> None:
        event = make_event(at_ms=None, timestamp=stamp)

        assert outcome(event, may_backfill=True) == (0, 0, ["too-old"])

    def test_end_of_time_is_corrected(self) -> None:
        event = make_event(at_ms=None, timestamp="9999-12-31T23:59:59-14:00")

        assert outcome(event) == (1, 0, [])
