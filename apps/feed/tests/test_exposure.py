"""Why a content is shown or not, over the API: for server keys only."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.models import Content
from apps.content.services import set_status
from apps.content.tests.factories import DAY_MS, HOUR_MS, make_content, make_contents
from apps.core.clock import now_ms
from apps.events.tests.factories import make_event, send
from apps.feed.services import for_user
from apps.feed.types import FeedQuery
from apps.profiles.models import Viewer

pytestmark = pytest.mark.django_db


def exposure(api: Any, content_id: str = "v0", **asked: Any) -> dict[str, Any]:
    answer = api.get(f"content/{content_id}/exposure", **asked)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_new_content_is_in_the_first_pool_and_nothing_keeps_it_away(api: Any) -> None:
    make_contents(3, now_ms=now_ms() - HOUR_MS)

    found = exposure(api)

    assert (found["views"], found["pool"], found["removed_by"]) == (0, 30, [])
    assert (found["shown"], found["best_position"], found["viewer"]) == (0, None, None)


@pytest.mark.django_db(transaction=True)  # counters read what is committed
def test_what_was_shown_and_watched_is_counted(api: Any) -> None:
    made = make_contents(12, now_ms=now_ms() - HOUR_MS)
    items = for_user(FeedQuery("alice", limit=12), now_ms=now_ms()).items
    views = [
        make_event(content_id=made[0], user_id=f"u{i}", at_ms=now_ms() - 10, watch_duration=20)
        for i in range(31)
    ]
    send(*views, now_ms=now_ms())

    found = exposure(api)

    place = [item.content_id for item in items].index("v0")
    assert (found["shown"], found["slates_read"], found["best_position"]) == (1, 1, place)
    assert (found["views"], found["long_views"], found["pool"]) == (31, 31, 100)


@pytest.mark.parametrize("status", [Content.Status.HIDDEN, Content.Status.REMOVED])
def test_what_may_not_be_shown_says_by_which_filter(api: Any, status: Any) -> None:
    made = make_contents(2, now_ms=now_ms() - HOUR_MS)
    set_status(made[:1], status, now_ms=now_ms())

    assert exposure(api)["removed_by"] == ["servable"]


def test_content_that_is_not_out_yet_says_so(api: Any) -> None:
    make_content("soon", now_ms=now_ms() + DAY_MS)

    assert exposure(api, "soon")["removed_by"] == ["servable"]


def test_a_viewer_has_a_rank_or_a_reason_for_none(api: Any) -> None:
    made = make_contents(10, now_ms=now_ms() - HOUR_MS)
    send(make_event(content_id=made[1], at_ms=now_ms() - 100), now_ms=now_ms())

    seen, unseen = (exposure(api, c, user_id="alice") for c in (made[1], made[0]))

    assert seen["removed_by"] == ["already_seen"]
    assert (seen["viewer"]["rank"], seen["viewer"]["proposed_by"]) == (None, [])
    assert unseen["removed_by"] == []
    assert 1 <= unseen["viewer"]["rank"] <= unseen["viewer"]["ranked"] == 9
    assert "fresh" in unseen["viewer"]["proposed_by"]


def test_unknown_contents_and_viewers_are_not_found_and_not_made(api: Any) -> None:
    make_contents(1, now_ms=now_ms() - HOUR_MS)

    assert api.get("content/nothing/exposure").status_code == 404
    assert api.get("content/v0/exposure", user_id="nobody").status_code == 404
    assert not Viewer.objects.exists()


def test_client_token_may_not_ask(api: Any) -> None:
    make_contents(1, now_ms=now_ms() - HOUR_MS)
    token = api.post("client-tokens", {"user_id": "u4"}).json()["token"]

    answer = api.client.get(
        "/api/v1/content/v0/exposure", headers={"authorization": f"Bearer {token}"}
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "server-key-only")
