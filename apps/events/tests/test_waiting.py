"""Events about contents that come later, and uploads, which make them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.models import Content
from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.events.models import Event, QuarantinedEvent
from apps.events.services import release_all
from apps.events.tests.factories import make_event, outcome, send
from apps.profiles.models import Creator

pytestmark = pytest.mark.django_db


class TestUnknownContent:
    def test_event_about_unknown_content_is_accepted_and_waits(self) -> None:
        assert outcome(make_event(content_id="v9")) == (1, 0, [])

        assert not Event.objects.exists()
        waiting = QuarantinedEvent.objects.get()
        assert (waiting.reason, waiting.content_key) == ("unknown-content", "v9")

    def test_event_enters_when_its_content_is_put(self) -> None:
        send(make_event(), make_event("like", user_id="carol"), make_event(content_id="v2"))

        content = make_content("v1")

        assert Event.objects.filter(content_id=content.pk).count() == Event.objects.count() == 2
        assert QuarantinedEvent.objects.get().content_key == "v2"

    def test_event_enters_as_it_would_have_at_first(self) -> None:
        context = {"device": "tablet", "network_ms": 80, "timezone": "Asia/Tokyo", "surface": 3}
        event = make_event(
            "comment", None, event_id="e1", comment_text="Great!", watch_duration=7, context=context
        )
        columns = [f.attname for f in Event._meta.fields if f.attname not in {"id", "content_id"}]
        columns.remove("transaction_id")
        make_content("v2")
        send({**event, "content_id": "v2"})
        expected = Event.objects.values(*columns).get()
        Event.objects.all().delete()

        send(event)
        make_content("v1", now_ms=NOW_MS + DAY_MS)

        assert Event.objects.values(*columns).get() == expected

    def test_event_enters_when_its_content_is_uploaded_by_an_event(self) -> None:
        send(make_event())

        send(make_event("content_upload", user_id=None, creator_id="bob"))

        assert Event.objects.filter(content__content_id="v1").count() == 2
        assert not QuarantinedEvent.objects.exists()

    def test_upload_and_event_in_one_batch_enter_in_either_order(self) -> None:
        upload = make_event("content_upload", user_id=None, creator_id="bob")
        second = make_event("content_upload", user_id=None, creator_id="bob", content_id="v2")

        send(make_event(), upload, second, make_event(content_id="v2"))

        assert Event.objects.filter(content__isnull=False).count() == 4

    @pytest.mark.parametrize("event_id", ["e1", None])
    def test_retry_of_a_waiting_event_is_a_duplicate(self, event_id: str | None) -> None:
        event = make_event(event_id=event_id)

        assert [outcome(event), outcome(event)] == [(1, 0, []), (0, 1, [])]
        make_content("v1")
        assert outcome(event) == (0, 1, [])

        assert Event.objects.count() == 1

    def test_waiting_event_twice_in_a_batch_waits_once(self) -> None:
        assert outcome(make_event(), make_event()) == (1, 1, [])

    def test_id_that_is_in_the_log_does_not_wait_under_another_content(self) -> None:
        make_content("v1")
        send(make_event(event_id="e1"))

        assert outcome(make_event(event_id="e1", content_id="v9")) == (0, 1, [])
        assert not QuarantinedEvent.objects.exists()

    def test_id_that_waits_does_not_enter_under_another_content(self) -> None:
        make_content("v1")
        send(make_event(event_id="e1", content_id="v9"))

        assert outcome(make_event(event_id="e1")) == (0, 1, [])
        assert not Event.objects.exists()

    def test_left_over_events_enter_later(self) -> None:
        send(make_event())
        row = QuarantinedEvent.objects.get()
        row.content_key = "v2"  # as when event and content commit in the same moment: no signal
        row.save()
        content = make_content("v1")
        QuarantinedEvent.objects.update(content_key="v1")

        assert release_all() == 1

        assert Event.objects.get().content_id == content.pk

    def test_releasing_without_anything_to_release_does_nothing(self) -> None:
        assert release_all() == 0

    def test_queries_of_a_batch_that_waits_do_not_grow_with_it(
        self, django_assert_max_num_queries: Any
    ) -> None:
        events = [
            make_event(event_id=f"e{i}", user_id=f"u{i}", content_id="v9") for i in range(200)
        ]

        with django_assert_max_num_queries(12):
            send(*events)


class TestUpload:
    def test_upload_makes_the_content(self) -> None:
        event = make_event(
            "content_upload",
            NOW_MS - DAY_MS,
            user_id=None,
            creator_id="bob",
            metadata={"description": "A dance", "duration": 9.5, "tags": ["dance"]},
        )

        send(event)

        content = Content.objects.get()
        assert (content.content_id, content.creator.creator_id) == ("v1", "bob")
        assert (content.description, content.duration_seconds) == ("A dance", 9.5)
        assert content.uploaded_ms == NOW_MS - DAY_MS

    def test_upload_sent_again_does_not_undo_a_later_change(self) -> None:
        event = make_event(
            "content_upload", user_id=None, creator_id="bob", metadata={"category": "dance"}
        )
        send(event)
        make_content("v1", category="news", now_ms=NOW_MS + 1)

        assert outcome(event) == (0, 1, [])

        assert Content.objects.get().category == "news"

    def test_refused_upload_makes_nothing(self) -> None:
        event = make_event("content_upload", NOW_MS - 30 * DAY_MS, user_id=None, creator_id="bob")

        assert outcome(event) == (0, 0, ["too-old"])

        assert not Content.objects.exists()
        assert not Creator.objects.exists()
