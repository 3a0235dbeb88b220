"""An event counts once, however often it is sent."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.content.tests.factories import DAY_MS, NOW_MS
from apps.events.models import Event
from apps.events.tests.factories import make_event, outcome, send
from apps.events.types import EventType

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("v1")
class TestDuplicates:
    def test_event_twice_in_a_batch_is_stored_once(self) -> None:
        assert outcome(make_event(event_id="e1"), make_event(event_id="e1")) == (1, 1, [])

    def test_event_sent_again_is_stored_once(self) -> None:
        send(make_event(event_id="e1"))

        assert outcome(make_event(event_id="e1"), make_event(event_id="e2")) == (1, 1, [])
        assert Event.objects.count() == 2

    def test_first_of_two_events_with_one_id_stays(self) -> None:
        send(make_event("like", event_id="e1"))
        send(make_event("skip", event_id="e1"))

        assert Event.objects.get().kind == EventType.LIKE

    def test_retry_without_an_id_is_recognized_by_what_it_says(self) -> None:
        assert outcome(make_event(), make_event()) == (1, 1, [])
        assert outcome(make_event(), now_ms=NOW_MS + 1000) == (0, 1, [])

    @pytest.mark.parametrize(
        "other",
        [
            make_event("like"),
            make_event(user_id="carol"),
            make_event(content_id="v2"),
            make_event(at_ms=NOW_MS - 1),
            make_event(watch_duration=3),
        ],
    )
    def test_events_without_ids_that_say_other_things_are_others(self, other: Any) -> None:
        assert outcome(make_event(), other) == (2, 0, [])

    def test_retry_without_an_id_from_a_fast_clock_is_recognized(self) -> None:
        event = make_event(at_ms=NOW_MS + DAY_MS)
        send(event)

        assert outcome(event, now_ms=NOW_MS + 1000) == (0, 1, [])

    def test_uuid_is_the_same_id_in_either_case(self) -> None:
        event_id = str(uuid.uuid4())

        assert outcome(make_event(event_id=event_id), make_event(event_id=event_id.upper())) == (
            1,
            1,
            [],
        )
        assert str(Event.objects.get().event_key) == event_id

    def test_thirty_six_characters_that_are_no_uuid_are_an_id_too(self) -> None:
        assert outcome(make_event(event_id="x" * 36), make_event(event_id="y" * 36)) == (2, 0, [])
