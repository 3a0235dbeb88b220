"""The intake of events."""

from __future__ import annotations

import uuid
from itertools import permutations
from typing import Any

import pytest

from apps.content.models import Content
from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.events.models import Event, QuarantinedEvent
from apps.events.services import release_all
from apps.events.tests.factories import make_event, send
from apps.events.types import EventFlag, EventType, Refusal
from apps.profiles.models import Creator, Viewer
from apps.profiles.selectors import profile

pytestmark = pytest.mark.django_db

MINUTE_MS = 60_000


def outcome(*events: Any, **rules: Any) -> tuple[int, int, list[str]]:
    """Return accepted, duplicates and the codes of what was refused."""
    answer = send(*events, **rules)
    return answer.accepted, answer.duplicates, [r.code for r in answer.rejected]


def refusal(*events: Any, **rules: Any) -> Refusal:
    (refused,) = send(*events, **rules).rejected
    return refused


def creator_names(keys: Any) -> set[str]:
    creators = Creator.objects.filter(pk__in=keys.tolist())
    return set(creators.values_list("creator_id", flat=True))


def followed(*, at_ms: int = NOW_MS) -> set[str]:
    return creator_names(profile("alice", at_ms=at_ms).stance.followed)


def hidden(*, at_ms: int = NOW_MS) -> set[str]:
    return creator_names(profile("alice", at_ms=at_ms).stance.hidden(at_ms))


@pytest.fixture
def v1() -> Content:
    return make_content("v1")


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


class TestRelations:
    def test_follow_and_unfollow_change_who_is_followed(self) -> None:
        send(make_event("follow", NOW_MS - 2, content_id=None, creator_id="bob"))
        assert followed() == {"bob"}

        send(make_event("unfollow", NOW_MS - 1, content_id=None, creator_id="bob"))
        assert followed() == set()

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_follows_out_of_order_end_as_in_order(self, order: tuple[int, ...]) -> None:
        events = [
            make_event(kind, NOW_MS - 10 + i, content_id=None, creator_id="bob")
            for i, kind in enumerate(("follow", "unfollow", "follow"))
        ]

        for i in order:
            send(events[i])

        assert followed() == {"bob"}

    def test_follow_by_a_content_follows_its_creator(self) -> None:
        make_content("v1", "bob")

        send(make_event("follow"))

        assert followed() == {"bob"}

    def test_hidden_content_mutes_its_creator_for_a_while(self) -> None:
        make_content("v1", "bob")

        send(make_event("hide"))

        assert hidden() == {"bob"}
        assert hidden(at_ms=NOW_MS + 14 * DAY_MS) == set()

    def test_reported_content_mutes_its_creator_for_a_while(self) -> None:
        make_content("v1", "bob")

        send(make_event("report", reason="spam"))

        assert hidden() == {"bob"}
        assert hidden(at_ms=NOW_MS + 14 * DAY_MS) == set()

    def test_hide_of_a_content_can_be_taken_back(self) -> None:
        make_content("v1", "bob")
        send(make_event("hide", NOW_MS - 9))

        send(make_event("unhide", NOW_MS - 5))

        assert hidden() == set()

    def test_hide_of_a_creator_can_be_taken_back_with_that_of_a_content(self) -> None:
        make_content("v1", "bob")
        send(make_event("hide", NOW_MS - 9))
        send(make_event("hide", NOW_MS - 8, content_id=None, creator_id="bob"))

        send(make_event("unhide", NOW_MS - 5, content_id=None, creator_id="bob"))

        assert hidden() == set()

    def test_taking_back_the_hide_of_a_content_does_not_unblock_its_creator(self) -> None:
        make_content("v1", "bob")
        send(make_event("hide", NOW_MS - 8, content_id=None, creator_id="bob"))

        send(make_event("unhide", NOW_MS - 5))

        assert hidden() == {"bob"}

    def test_a_hide_that_arrives_after_its_taking_back_stays_taken_back(self) -> None:
        make_content("v1", "bob")
        send(make_event("unhide", NOW_MS - 5))

        send(make_event("hide", NOW_MS - 9))

        assert hidden() == set()

    def test_hidden_creator_is_blocked(self) -> None:
        send(make_event("hide", content_id=None, creator_id="bob"))

        assert hidden(at_ms=NOW_MS + 365 * DAY_MS) == {"bob"}

    @pytest.mark.parametrize("kind", ["follow", "hide"])
    def test_creator_of_a_content_that_arrives_later_is_found(self, kind: str) -> None:
        send(make_event(kind))

        make_content("v1", "bob")

        assert (followed() if kind == "follow" else hidden()) == {"bob"}

    def test_late_link_does_not_undo_a_newer_unfollow(self) -> None:
        send(make_event("follow", NOW_MS - 10))
        send(make_event("unfollow", NOW_MS - 5, content_id=None, creator_id="bob"))

        make_content("v1", "bob")

        assert followed() == set()

    def test_event_sent_again_does_not_change_a_relation_again(self) -> None:
        follow = make_event("follow", NOW_MS - 5, content_id=None, creator_id="bob")
        send(follow)
        send(make_event("unfollow", NOW_MS - 1, content_id=None, creator_id="bob"))

        send(follow)

        assert followed() == set()
