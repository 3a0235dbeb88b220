"""The admin pages of what did not enter the log."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client

from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.events.models import Event, QuarantinedEvent
from apps.events.tests.factories import kept, make_event, send

pytestmark = pytest.mark.django_db

LIST = "/admin/events/quarantinedevent/"


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
