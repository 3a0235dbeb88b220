"""What did not enter the log: kept with its reason, without raw ids, and let in when put right."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.db import connection

from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.core.auth import client_token
from apps.events import conf
from apps.events.models import Event, QuarantinedEvent
from apps.events.services import discard, replay
from apps.events.tests.factories import kept, make_event, send
from apps.profiles.pseudonyms import pseudonym

pytestmark = pytest.mark.django_db


def outcomes(*rows: QuarantinedEvent) -> list[str]:
    return [done.outcome for done in replay([row.pk for row in rows])]


class TestKeeping:
    @pytest.mark.parametrize(
        ("event", "rules", "reason"),
        [
            (make_event("dance"), {}, "invalid-value"),
            (make_event(watch_duration=-1), {}, "invalid-value"),
            (make_event(content_id=None), {}, "missing-field"),
            (make_event(color="red"), {}, "unknown-field"),
            (make_event(comment_text="a\0b"), {}, "nul-character"),
            (make_event(), {"only_user": "mallory"}, "wrong-user"),
            (
                make_event("content_upload", creator_id="bob"),
                {"only_user": "alice"},
                "not-allowed",
            ),
            (make_event(at_ms=NOW_MS - 8 * DAY_MS), {}, "too-old"),
        ],
    )
    def test_refused_event_is_kept_with_its_reason_and_body(
        self, event: Any, rules: dict[str, Any], reason: str
    ) -> None:
        (refusal,) = send(event, **rules).rejected

        row = kept()
        assert (row.reason, row.reason) == (refusal.code, reason)
        assert row.detail == refusal.detail
        assert (row.kind_name, row.viewer_pseudonym) == (event["type"], pseudonym("alice"))
        assert row.body is not None
        assert row.body["user_id"] == str(pseudonym("alice"))
        assert row.received_ms == row.last_received_ms == NOW_MS
        assert row.size_bytes > 20

    def test_of_a_text_that_is_no_event_only_size_and_hash_are_kept(self) -> None:
        send(b'{"type": "view", "user_id": "alice"', b'"alice"')

        rows = QuarantinedEvent.objects.order_by("pk")
        assert [row.body for row in rows] == [None, None]
        assert {row.size_bytes for row in rows} == {35, 7}
        assert all(row.digest for row in rows)

    def test_event_that_is_too_large_to_keep_leaves_its_size_and_viewer(self) -> None:
        send(make_event(comment_text="x" * 70_000))

        assert (kept().body, kept().viewer_pseudonym) == (None, pseudonym("alice"))
        assert kept().size_bytes > 70_000

    @pytest.mark.parametrize(
        "event",
        [
            make_event("dance", user_id="canary"),
            make_event(user_id="canary", event_id="canary-1", color="canary"),
            make_event(user_id="canary", context={"color": "canary", "user": {"id": "canary"}}),
            make_event(user_id=["canary"], content_id={"user": "canary"}),
            make_event(user_id={"id": "canary"}, metadata={"tags": [{"user": "canary"}]}),
            make_event(user_id="canary", content_id="unknown"),
            make_event(user_id="canary", at_ms=NOW_MS - 8 * DAY_MS, event_id="canary-2"),
            b'{"user_id": "canary"',
            b"canary",
        ],
    )
    def test_raw_viewer_id_never_enters_the_database(self, event: Any) -> None:
        send(event)

        assert QuarantinedEvent.objects.count() == 1
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM events_quarantinedevent")
            assert "canary" not in repr(cursor.fetchall())

    def test_same_text_again_is_counted_not_kept_twice(self) -> None:
        for later in range(3):
            send(make_event("dance"), now_ms=NOW_MS + later)

        assert (kept().times_seen, kept().received_ms) == (3, NOW_MS)
        assert kept().last_received_ms == NOW_MS + 2

    def test_unreadable_body_of_a_request_is_kept(self, api: Any) -> None:
        assert api.post("events", b"[{oops").status_code == 400

        assert (kept().reason, kept().size_bytes) == ("malformed-json", 6)

    def test_refusals_of_a_device_are_kept(self, api_with: Any) -> None:
        device = api_with(key=client_token("alice", ttl_seconds=60))

        assert device.post("events", make_event(user_id="carol", at_ms=None)).status_code == 422

        assert (kept().reason, kept().viewer_pseudonym) == ("wrong-user", pseudonym("carol"))

    def test_rows_of_a_reason_and_day_are_limited_and_the_rest_is_said(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(conf, "MAX_REFUSED_PER_DAY", 3)
        with caplog.at_level(logging.WARNING):
            answer = send(*(make_event("dance", content_id=f"v{i}") for i in range(5)), b"{")
        send(make_event("dance", content_id="v9"))

        assert len(answer.rejected) == 6
        assert QuarantinedEvent.objects.filter(reason="invalid-value").count() == 3
        assert QuarantinedEvent.objects.filter(reason="malformed-json").count() == 1
        assert "2 events dropped (invalid-value)" in caplog.text
        send(make_event("dance", content_id="v9"), now_ms=NOW_MS + DAY_MS)
        assert QuarantinedEvent.objects.filter(reason="invalid-value").count() == 4

    def test_waiting_events_have_no_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(conf, "MAX_REFUSED_PER_DAY", 1)

        assert send(*(make_event(content_id=f"v{i}") for i in range(5))).accepted == 5

        assert QuarantinedEvent.objects.count() == 5

    def test_queries_of_refused_events_do_not_grow_with_the_batch(
        self, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(4):
            send(*(make_event("dance", content_id=f"v{i}") for i in range(200)))


class TestRetries:
    def test_corrected_retry_of_a_refused_event_gets_in_and_settles_it(self) -> None:
        make_content("v1")
        send(make_event(event_id="e1", watch_duration=-1))

        assert send(make_event(event_id="e1", watch_duration=1)).accepted == 1

        assert Event.objects.get().watch_seconds == 1
        assert not QuarantinedEvent.objects.exists()

    def test_corrected_retry_about_an_unknown_content_waits(self) -> None:
        send(make_event(event_id="e1", watch_duration=-1))

        assert send(make_event(event_id="e1", watch_duration=1)).accepted == 1

        assert kept().reason == "unknown-content"

    def test_refused_event_does_not_replace_a_waiting_one(self) -> None:
        send(make_event(event_id="e1", watch_duration=7))
        send(make_event(event_id="e1", watch_duration=-1))
        reasons = set(QuarantinedEvent.objects.values_list("reason", flat=True))

        make_content("v1")

        assert reasons == {"unknown-content", "invalid-value"}
        assert Event.objects.get().watch_seconds == 7

    def test_nobody_settles_another_viewers_event_by_naming_its_id(self) -> None:
        make_content("v1")
        send(make_event(event_id="e1", watch_duration=-1))

        send(make_event(event_id="e1", user_id="mallory"))

        assert kept().viewer_pseudonym == pseudonym("alice")


class TestReplay:
    def test_too_old_event_is_taken_as_of_its_receipt(self) -> None:
        make_content("v1")
        send(make_event(at_ms=NOW_MS - 30 * DAY_MS))

        assert outcomes(kept()) == ["accepted"]

        stored = Event.objects.get()
        assert (stored.occurred_ms, stored.received_ms) == (NOW_MS - 30 * DAY_MS, NOW_MS)
        assert not QuarantinedEvent.objects.exists()

    @pytest.mark.parametrize("event_id", ["e1", None])
    def test_replayed_event_and_its_late_retry_are_one(self, event_id: str | None) -> None:
        make_content("v1")
        old = make_event(at_ms=NOW_MS - 30 * DAY_MS, event_id=event_id)
        send(old)
        replay([kept().pk])

        answer = send(old, may_backfill=True)

        assert (answer.accepted, answer.duplicates, Event.objects.count()) == (0, 1, 1)

    def test_each_event_gets_its_outcome(self) -> None:
        make_content("v1")
        old_ms = NOW_MS - 30 * DAY_MS
        send(
            make_event(at_ms=old_ms, event_id="e1"),
            make_event(at_ms=old_ms + 1, event_id="e1"),
            make_event(at_ms=old_ms, content_id="v9"),
            make_event("dance"),
            b"{",
        )

        found = outcomes(*QuarantinedEvent.objects.order_by("pk"))

        assert sorted(found) == [
            "accepted",
            "duplicate",
            "invalid-value",
            "malformed-json",
            "waiting",
        ]
        reasons = QuarantinedEvent.objects.order_by("reason").values_list("reason", flat=True)
        assert list(reasons) == ["invalid-value", "malformed-json", "unknown-content"]

    def test_follow_that_was_too_old_takes_effect(self) -> None:
        from apps.profiles.selectors import profile

        send(make_event("follow", NOW_MS - 30 * DAY_MS, content_id=None, creator_id="bob"))

        replay([kept().pk])

        assert len(profile("alice", at_ms=NOW_MS).stance.followed) == 1

    def test_replay_takes_many_rows_in_constant_queries(
        self, django_assert_max_num_queries: Any
    ) -> None:
        make_content("v1")
        old_ms = NOW_MS - 30 * DAY_MS
        send(*(make_event(at_ms=old_ms + i, user_id=f"u{i}") for i in range(100)))
        keys = list(QuarantinedEvent.objects.values_list("pk", flat=True))

        with django_assert_max_num_queries(14):
            assert {done.outcome for done in replay(keys)} == {"accepted"}

    def test_replay_of_rows_that_are_gone_does_nothing(self) -> None:
        assert replay([1, 2, 3]) == []

    def test_discarded_rows_are_gone(self) -> None:
        send(make_event("dance"))

        assert discard([kept().pk]) == 1

        assert not QuarantinedEvent.objects.exists()
