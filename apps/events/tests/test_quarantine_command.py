"""The command that lists, puts right, replays and discards what did not enter the log."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.events.models import Event, QuarantinedEvent
from apps.events.tests.factories import kept, make_event, send
from apps.profiles.pseudonyms import pseudonym

pytestmark = pytest.mark.django_db


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
