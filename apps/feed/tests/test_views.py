"""The feed over the API."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.tests.factories import make_contents
from apps.core.clock import now_ms
from apps.events.models import Slate


def test_feed_answers_with_a_page(api: Any) -> None:
    make_contents(20, now_ms=now_ms())

    answer = api.get("feed", user_id="alice", limit=5)

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    body = answer.json()
    assert len(body["items"]) == 5
    assert body.keys() == {
        "request_id",
        "items",
        "next_cursor",
        "degraded",
        "ranker",
        "experiment",
    }


def test_cursor_goes_on_where_the_page_ended(api: Any) -> None:
    make_contents(20, now_ms=now_ms())
    first = api.get("feed", user_id="alice").json()

    second = api.get("feed", user_id="alice", cursor=first["next_cursor"]).json()

    shown = [item["content_id"] for page in (first, second) for item in page["items"]]
    assert len(set(shown)) == 20
    assert second["items"][0]["position"] == 10


def test_context_is_kept_in_the_slate(api: Any) -> None:
    make_contents(3, now_ms=now_ms())

    api.get("feed", user_id="alice", surface=4, utc_offset=-300)

    assert Slate.objects.get().surface == 4


@pytest.mark.parametrize("explain", ["1", "true", "True"])
def test_explain_adds_cards(explain: str, api: Any) -> None:
    make_contents(3, now_ms=now_ms())

    item = api.get("feed", user_id="alice", explain=explain).json()["items"][0]

    assert item["content"]["creator_name"]


def test_page_says_nothing_of_cards_unless_asked(api: Any) -> None:
    make_contents(3, now_ms=now_ms())

    assert "content" not in api.get("feed", user_id="alice").json()["items"][0]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "missing-parameter"),
        ({"user_id": ""}, "missing-parameter"),
        ({"user_id": "a" * 129}, "invalid-id"),
        ({"user_id": "a\0"}, "invalid-id"),
        ({"limit": "0"}, "invalid-value"),
        ({"limit": "51"}, "invalid-value"),
        ({"limit": "-1"}, "invalid-value"),
        ({"limit": "ten"}, "invalid-value"),
        ({"limit": "1e1"}, "invalid-value"),
        ({"limit": "1.0"}, "invalid-value"),
        ({"limit": ""}, "invalid-value"),
        ({"limit": "9" * 5000}, "invalid-value"),
        ({"surface": "1000"}, "invalid-value"),
        ({"surface": "-1"}, "invalid-value"),
        ({"utc_offset": "841"}, "invalid-value"),
        ({"offset": "10"}, "unknown-parameter"),
    ],
)
def test_bad_parameter_is_a_problem(query: dict[str, str], code: str, api: Any) -> None:
    given = query if "user_id" in query or not query else {"user_id": "alice", **query}

    answer = api.get("feed", **given)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert not Slate.objects.exists()


@pytest.mark.parametrize("cursor", ["x", "a:b:c", "%00", "é" * 50])
def test_forged_cursor_is_a_problem(cursor: str, api: Any) -> None:
    answer = api.get("feed", user_id="alice", cursor=cursor)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor")


def test_cursor_of_another_viewer_is_a_problem(api: Any) -> None:
    make_contents(20, now_ms=now_ms())
    cursor = api.get("feed", user_id="alice").json()["next_cursor"]

    answer = api.get("feed", user_id="mallory", cursor=cursor)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor")
