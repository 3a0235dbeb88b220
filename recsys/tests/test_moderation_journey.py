"""From a viewer's report to a feed without the content, and back."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.tests.factories import NOW_MS, make_contents
from apps.core.clock import now_ms
from apps.events.tests.factories import make_event, send
from apps.feed.services import for_user
from apps.feed.types import FeedQuery
from apps.moderation.models import Case, Statement
from apps.moderation.tests.factories import make_case, make_decision, make_user, report
from apps.profiles.services import upsert_users
from apps.profiles.types import Demographics, UserRow

pytestmark = pytest.mark.django_db


def feed(user_id: str, *, at_ms: int = NOW_MS, **query: Any) -> list[str]:
    return [i.content_id for i in for_user(FeedQuery(user_id, **query), now_ms=at_ms).items]


def make_adult(user_id: str) -> None:
    adult = Demographics(age_group="25-34")
    upsert_users([UserRow(user_id, demographics=adult)], now_ms=NOW_MS)


def test_reported_content_is_decided_on_the_page_and_gone_from_the_next_feed(client: Any) -> None:
    make_contents(5)
    report(make_event("report", content_id="v1", reason="hate"))
    client.force_login(make_user())
    case = Case.objects.get()
    assert "v1" in client.get("/moderation/").content.decode()

    assert "v1" in feed("zoe")
    client.post(f"/moderation/cases/{case.pk}/claim")
    answer = client.post(
        f"/moderation/cases/{case.pk}/decide", {"action": "remove", "reason": "hate"}
    )

    assert answer.status_code == 302
    assert sorted(feed("another")) == ["v0", "v2", "v3", "v4"]
    assert Statement.objects.get().restriction == "removal of the content"


def test_undone_removal_is_in_the_next_feed_again(client: Any) -> None:
    make_contents(5)
    user = make_user()
    decision = make_decision(case=make_case("v1"), user=user, at_ms=now_ms())
    client.force_login(user)
    assert "v1" not in feed("zoe")

    client.post(f"/moderation/decisions/{decision.pk}/undo")

    # Charts are made once a minute for all viewers.
    assert "v1" in feed("another", at_ms=NOW_MS + 60_000)


def test_age_restricted_content_is_for_viewers_known_to_be_adults() -> None:
    make_contents(5)
    make_decision("age_restrict", case=make_case("v1"))
    make_adult("ann")

    assert "v1" in feed("ann")
    assert "v1" not in feed("zoe")  # of unknown age


def test_limited_content_is_for_followers_and_on_no_list(api: Any) -> None:
    make_contents(5)
    make_decision("limit", case=make_case("v1"))
    send(make_event("follow", user_id="fan", content_id=None, creator_id="creator1"))

    assert "v1" in feed("fan")
    assert "v1" not in feed("zoe")
    popular = api.get("popular", user_id="fan").json()["items"]
    assert "v1" not in [item["content_id"] for item in popular]


def test_suspended_creator_is_gone_with_what_comes_later() -> None:
    make_contents(10)
    make_decision("suspend", case=make_case("v1"))

    assert sorted(feed("zoe", limit=10)) == ["v0", "v2", "v3", "v4", "v5", "v7", "v8", "v9"]


def test_removed_content_comes_in_no_page_of_many_viewers() -> None:
    make_contents(40)
    removed = {"v3", "v17", "v39"}
    mo = make_user()
    for content_id in removed:
        make_decision(case=make_case(content_id), user=mo)

    shown = [c for viewer in range(50) for c in feed(f"viewer{viewer}", limit=20)]

    assert len(shown) == 1000
    assert removed.isdisjoint(shown)
