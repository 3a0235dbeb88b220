"""The intake of events: what is stored, and what is refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_content
from apps.events.models import Event
from apps.events.tests.factories import make_event, outcome, send
from apps.events.types import EventFlag, EventType
from apps.profiles.models import Viewer

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("v1")
class TestTypes:
    @pytest.mark.parametrize(
        "event",
        [
            make_event("view", watch_duration=12.5),
            make_event("complete_view"),
            make_event("replay"),
            make_event("like"),
            make_event("unlike"),
            make_event("comment", comment_text="Great!"),
            make_event("share", platform="whatsapp"),
            make_event("save"),
            make_event("follow", content_id=None, creator_id="bob"),
            make_event("follow"),
            make_event("unfollow", content_id=None, creator_id="bob"),
            make_event("skip", watch_duration=0),
            make_event("hide", reason="boring"),
            make_event("hide", content_id=None, creator_id="bob"),
            make_event("report", reason="spam"),
            make_event("content_upload", user_id=None, creator_id="bob"),
        ],
    )
    def test_every_type_of_the_spec_is_stored(self, event: dict[str, Any]) -> None:
        assert outcome(event) == (1, 0, [])

        assert EventType(Event.objects.get().kind).name.lower() == event["type"]

    def test_event_is_stored_with_all_that_was_said(self) -> None:
        content = make_content("v1")
        request_id = uuid.uuid4()
        context = {"device": "tablet", "network_ms": 80, "timezone": "Asia/Tokyo", "surface": 3}
        event = make_event(
            "comment",
            NOW_MS - 5,
            watch_duration=12.5,
            comment_text="Great!",
            request_id=str(request_id),
            context=context,
        )

        send(event)

        stored = Event.objects.get()
        assert stored.viewer == Viewer.objects.get()
        assert stored.content_id == content.pk
        assert (stored.occurred_ms, stored.received_ms) == (NOW_MS - 5, NOW_MS)
        assert (stored.watch_seconds, stored.surface) == (12.5, 3)
        assert stored.flags == EventFlag.FROM_FEED
        assert (stored.utc_offset_minutes, stored.request_id) == (540, request_id)
        assert stored.info == {"comment_text": "Great!"}
        assert (stored.get_device_display(), stored.network_ms) == ("tablet", 80.0)

    @pytest.mark.parametrize("zone", ["Nowhere/City", "../etc/passwd", "/etc/passwd", "x" * 64, ""])
    def test_unknown_time_zone_counts_as_utc(self, zone: str) -> None:
        assert outcome(make_event(context={"timezone": zone})) == (1, 0, [])

        assert Event.objects.get().utc_offset_minutes == 0

    @pytest.mark.parametrize(
        ("event", "code"),
        [
            (make_event("dance"), "invalid-value"),
            (make_event(user_id=None), "missing-field"),
            (make_event(content_id=None), "missing-field"),
            (make_event("follow", content_id=None), "missing-field"),
            (make_event("hide", content_id=None), "missing-field"),
            (make_event("content_upload", user_id=None), "missing-field"),
            (make_event("content_upload", content_id=None, creator_id="bob"), "missing-field"),
            ({"user_id": "alice"}, "missing-field"),
            ({}, "missing-field"),
            (make_event(color="red"), "unknown-field"),
            (make_event(context={"color": "red"}), "unknown-field"),
            (make_event(user_id=1.5), "invalid-value"),
            (make_event(user_id=True), "invalid-value"),
            (make_event(user_id=""), "invalid-value"),
            (make_event(user_id="a" * 129), "invalid-value"),
            (make_event(watch_duration=-1), "invalid-value"),
            (make_event(watch_duration=86_401), "invalid-value"),
            (make_event(watch_duration="long"), "invalid-value"),
            (make_event(watch_duration="-1"), "invalid-value"),
            (make_event(watch_duration="NaN"), "invalid-value"),
            (make_event(comment_text="x" * 5001), "invalid-value"),
            (make_event(request_id="r1"), "invalid-value"),
            (make_event(timestamp=1_760_000_000, at_ms=None), "invalid-value"),
            (make_event(timestamp="yesterday", at_ms=None), "invalid-value"),
            (make_event(context={"surface": 1000}), "invalid-value"),
            (make_event(context={"device": "watch"}), "invalid-value"),
            (make_event(user_id="a\0b"), "nul-character"),
            (make_event(comment_text="a\0b"), "nul-character"),
            (make_event(metadata={"tags": ["a\0"]}), "nul-character"),
            (b"[]", "invalid-value"),
            (b'"view"', "invalid-value"),
            (b"null", "invalid-value"),
            (b"{", "malformed-json"),
            (b"nonsense", "malformed-json"),
            (b'{"type": "view", "watch_duration": NaN}', "malformed-json"),
            (b'{"type": "view", "watch_duration": 1e999}', "invalid-value"),
            (b'{"type": "view", "user_id": ' + b"9" * 5000 + b"}", "invalid-value"),
            (b'{"type": "view", "user_id": ' + b"[" * 5000, "invalid-value"),
            (b'{"type": "view", "user_id": "\xff"}', "malformed-json"),
            (b'{"type": "view", "user_id": 5, "content_id": "\xff"}', "invalid-value"),
            (rb'{"type": "view", "user_id": "\ud800"}', "malformed-json"),
            (rb'{"type": "view", "user_id": 5, "content_id": "\ud800"}', "invalid-value"),
        ],
    )
    def test_event_that_does_not_fit_is_refused_and_nothing_is_stored(
        self, event: Any, code: str
    ) -> None:
        assert outcome(event) == (0, 0, [code])

        assert not Event.objects.exists()
        assert not Viewer.objects.exists()

    @pytest.mark.parametrize(
        "text",
        [
            "'; DROP TABLE events_event; --",
            "{{7*7}}",
            "${jndi:ldap://x}",
            "*)(uid=*",
            "%00",
            'a "quoted" \\ text',
            "{NULL,1}",
            "NULL",
            "\\",
            "\u202e",
        ],
    )
    def test_hostile_text_is_stored_verbatim(self, text: str) -> None:
        make_content(text)
        event = make_event("comment", content_id=text, event_id=text, comment_text=text)

        assert outcome(event) == (1, 0, [])

        stored = Event.objects.get()
        assert stored.content is not None
        assert stored.content.content_id == text
        assert stored.info == {"comment_text": text}

    def test_last_of_duplicate_keys_counts(self) -> None:
        send(b'{"type": "like", "type": "view", "user_id": "alice", "content_id": "v1"}')

        assert Event.objects.get().kind == EventType.VIEW


class TestOutcomes:
    def test_one_bad_event_among_many_is_refused_alone(self) -> None:
        events = [make_event(event_id=f"e{i}") for i in range(20)]
        events[7] = {**events[7], "watch_duration": -1}

        answer = send(*events)

        assert (answer.accepted, answer.duplicates) == (19, 0)
        assert [(r.index, r.event_id) for r in answer.rejected] == [(7, "e7")]
        assert "watch_duration" in answer.rejected[0].detail

    def test_every_event_has_exactly_one_outcome(self) -> None:
        events = [make_event(), make_event(), make_event(user_id=None), b"{", make_event("like")]

        assert outcome(*events) == (2, 1, ["missing-field", "malformed-json"])

    def test_event_of_another_viewer_is_refused_to_a_token(self) -> None:
        events = [make_event(), make_event(user_id="carol")]

        assert outcome(*events, only_user="alice") == (1, 0, ["wrong-user"])

    def test_upload_is_refused_to_a_token(self) -> None:
        event = make_event("content_upload", creator_id="alice")

        assert outcome(event, only_user="alice") == (0, 0, ["not-allowed"])
        assert not Content.objects.exists()

    def test_number_of_queries_does_not_grow_with_the_batch(
        self, django_assert_max_num_queries: Any
    ) -> None:
        make_content("v1")
        events = [
            make_event(event_id=f"e{i}", user_id=f"user{i}", content_id=f"v{i}") for i in range(200)
        ]

        with django_assert_max_num_queries(13):
            send(*events)
