"""Who may open the preview, and as whom."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("mo"))
    return client


@pytest.mark.django_db
class TestPreview:
    def test_asks_for_a_login_where_it_is_not_public(self, settings: Any) -> None:
        settings.PREVIEW_IS_PUBLIC = False
        answer = Client().get("/?user=alice")
        assert answer.status_code == 302
        assert answer["Location"] == "/admin/login/?next=/%3Fuser%3Dalice"

    def test_opens_for_staff(self, settings: Any, staff: Client) -> None:
        settings.PREVIEW_IS_PUBLIC = False
        assert 'data-user="alice"' in staff.get("/?user=alice").text

    def test_keeps_one_visitor_a_session(self, settings: Any) -> None:
        settings.PREVIEW_IS_PUBLIC = True
        client = Client()
        first = client.get("/").context["user_id"]
        assert client.get("/").context["user_id"] == first
        assert Client().get("/").context["user_id"] != first

    def test_starts_over_as_a_new_visitor(self, settings: Any) -> None:
        settings.PREVIEW_IS_PUBLIC = True
        client = Client()
        first = client.get("/").context["user_id"]
        assert client.get("/?new", follow=True).context["user_id"] != first

    def test_does_not_speak_for_real_viewers_in_public(self, settings: Any) -> None:
        settings.PREVIEW_IS_PUBLIC = True
        assert Client().get("/?user=alice").context["user_id"] == "guest-alice"

    def test_its_token_reads_the_feed_of_its_viewer_only(self, staff: Client) -> None:
        token = staff.get("/?user=alice").context["token"]
        headers = {"authorization": f"Bearer {token}"}
        assert Client().get("/api/v1/feed?user_id=alice", headers=headers).status_code == 200
        assert Client().get("/api/v1/feed?user_id=bob", headers=headers).status_code == 403

    def test_holds_no_inline_script_or_style_and_is_not_cached(self, staff: Client) -> None:
        answer = staff.get("/")
        assert "style=" not in answer.text
        assert "<style" not in answer.text
        assert "<script>" not in answer.text
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert "no-store" in answer["Cache-Control"]

    def test_escapes_the_name_it_is_given(self, staff: Client) -> None:
        assert "<b>" not in staff.get("/", {"user": '"><b>'}).text
