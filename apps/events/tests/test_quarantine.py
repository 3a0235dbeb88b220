"""What did not enter the log: kept with its reason, without raw ids, and let in when put right."""

from __future__ import annotations

import json
import logging
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.core.auth import client_token
from apps.events import conf
from apps.events.models import Event, QuarantinedEvent
from apps.events.services import discard, replay
from apps.events.tests.factories import make_event, send
from apps.profiles.pseudonyms import pseudonym

pytestmark = pytest.mark.django_db

LIST = "/admin/events/quarantinedevent/"


def kept() -> QuarantinedEvent:
    return QuarantinedEvent.objects.get()


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


def run(*arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command("quarantine", *map(str, arguments), stdout=out, **options)
    return out.getvalue()


class TestCommand:
    def test_list_shows_what_waits_and_why(self) -> None:
        send(make_event("dance"), make_event(content_id="v9"))

        assert "invalid-value  dance v1" in run("list")
        assert "v9" not in run("list", "--reason", "invalid-value")

    def test_show_gives_the_body_without_the_viewers_id(self) -> None:
        send(make_event("dance"))

        shown = json.loads(run("show", kept().pk))

        assert (shown["body"]["type"], shown["body"]["content_id"]) == ("dance", "v1")
        assert "alice" not in json.dumps(shown)

    def test_event_is_put_right_and_replayed(self) -> None:
        make_content("v1")
        send(make_event(watch_duration=-1, color="red", context={"surface": 5000}, event_id="e1"))

        run("fix", kept().pk, "watch_duration=12.5", "color=", "context.surface=3")
        assert "1 accepted" in run("replay", kept().pk)

        stored = Event.objects.get()
        assert (stored.watch_seconds, stored.surface) == (12.5, 3)
        assert stored.viewer is not None
        assert stored.viewer.pseudonym == pseudonym("alice")
        assert send(make_event(event_id="e1")).duplicates == 1

    def test_fix_that_is_no_event_is_refused_by_field(self) -> None:
        send(make_event(watch_duration=-1))

        with pytest.raises(CommandError, match="watch_duration"):
            run("fix", kept().pk, "watch_duration=-2")

        assert kept().body["watch_duration"] == -1  # type: ignore[index]

    def test_fix_does_not_change_the_viewer(self) -> None:
        send(make_event("dance"))

        run("fix", kept().pk, "type=like", "user_id=mallory")

        assert kept().body["user_id"] == str(pseudonym("alice"))  # type: ignore[index]

    def test_fix_names_the_viewer_where_none_was_named(self) -> None:
        make_content("v1")
        send(make_event(user_id=None))

        run("fix", kept().pk, "user_id=alice")
        run("replay", "--reason", "missing-field")

        viewer = Event.objects.get().viewer
        assert viewer is not None
        assert viewer.pseudonym == pseudonym("alice")

    def test_reason_replays_all_of_it(self) -> None:
        make_content("v1")
        send(*(make_event(at_ms=NOW_MS - 30 * DAY_MS + i) for i in range(3)), make_event("dance"))

        assert "3 replayed: 3 accepted" in run("replay", "--reason", "too-old")

        assert kept().reason == "invalid-value"

    @pytest.mark.parametrize(
        "arguments", [["replay"], ["discard", "--yes"], ["replay", "1", "--reason", "too-old"]]
    )
    def test_choice_must_be_made(self, arguments: list[str]) -> None:
        with pytest.raises(CommandError, match="either ids or --reason"):
            run(*arguments)

    def test_discard_asks_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        send(make_event("dance"))
        monkeypatch.setattr("builtins.input", lambda _: "n")

        with pytest.raises(CommandError, match="nothing was discarded"):
            run("discard", kept().pk)
        assert QuarantinedEvent.objects.exists()

        assert "1 discarded" in run("discard", "--reason", "invalid-value", "--yes")

    def test_unknown_row_is_said(self) -> None:
        with pytest.raises(CommandError, match="no quarantined event 5"):
            run("show", 5)


@pytest.fixture
def mo() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("mo"))
    return client


def post(client: Client, row: QuarantinedEvent, body: Any) -> Any:
    return client.post(f"{LIST}{row.pk}/change/", {"body": json.dumps(body)})


class TestAdmin:
    def test_list_is_filtered_and_searched(self, mo: Client) -> None:
        send(
            make_event("dance", content_id="dance-7"),
            make_event(content_id="dance-9", event_id="e9"),
        )
        waiting = QuarantinedEvent.objects.get(reason="unknown-content")

        by_reason = mo.get(LIST, {"reason": "invalid-value"}).content.decode()
        by_content = mo.get(LIST, {"q": "dance-9"}).content.decode()
        by_key = mo.get(LIST, {"q": str(waiting.event_key)}).content.decode()

        assert ("dance-7" in by_reason, "dance-9" in by_reason) == (True, False)
        assert ["dance-7" in page for page in (by_content, by_key)] == [False, False]

    def test_body_is_put_right_and_replayed(self, mo: Client) -> None:
        make_content("v1")
        send(make_event(watch_duration=-1))
        row = kept()
        assert row.body is not None

        assert post(mo, row, {**row.body, "watch_duration": 5}).status_code == 302
        answer = mo.post(LIST, {"action": "replay", "_selected_action": [row.pk]}, follow=True)

        assert Event.objects.get().watch_seconds == 5
        assert "1 accepted" in answer.content.decode()
        said = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
        assert "Replayed: accepted" in list(said)

    def test_body_that_is_no_event_is_refused_with_its_field(self, mo: Client) -> None:
        send(make_event(watch_duration=-1))
        row = kept()
        assert row.body is not None

        answer = post(mo, row, {**row.body, "watch_duration": "long"})

        assert answer.status_code == 200
        assert "/watch_duration" in answer.content.decode()
        assert kept().body == row.body

    def test_text_that_was_not_kept_is_shown_without_a_form(self, mo: Client) -> None:
        send(b"{")

        page = mo.get(f"{LIST}{kept().pk}/change/")

        assert page.status_code == 200
        assert "<textarea" not in page.content.decode()

    def test_discard_asks_first_and_is_logged(self, mo: Client) -> None:
        send(make_event("dance"))
        form = {"action": "delete_selected", "_selected_action": [kept().pk]}
        assert "Discard selected" in mo.get(LIST).content.decode()

        assert "Are you sure" in mo.post(LIST, form).content.decode()
        assert QuarantinedEvent.objects.exists()
        mo.post(LIST, {**form, "post": "yes"})

        assert not QuarantinedEvent.objects.exists()
        assert LogEntry.objects.count() == 1

    def test_hostile_text_is_escaped(self, mo: Client) -> None:
        text = "<script>alert(1)</script>"
        send(make_event(text, content_id=text, comment_text=text))

        for address in (LIST, f"{LIST}{kept().pk}/change/"):
            page = mo.get(address).content.decode()
            assert "<script>alert" not in page
            assert "&lt;script&gt;" in page

    @pytest.mark.parametrize(
        ("permission", "status"), [(None, 403), ("view", 403), ("change", 302)]
    )
    def test_only_staff_who_may_change_rows_replay(
        self, permission: str | None, status: int
    ) -> None:
        send(make_event(at_ms=NOW_MS - 30 * DAY_MS))
        make_content("v1")
        user = User.objects.create_user("vera", is_staff=True)
        if permission:
            name = f"{permission}_quarantinedevent"
            user.user_permissions.add(Permission.objects.get(codename=name))
        client = Client()
        client.force_login(user)

        client.post(LIST, {"action": "replay", "_selected_action": [kept().pk]})
        is_replayed = Event.objects.exists()

        assert is_replayed == (status == 302)
        assert client.get(LIST).status_code == (403 if permission is None else 200)
