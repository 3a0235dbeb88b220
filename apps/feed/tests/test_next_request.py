"""What has happened holds from the very next request on."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content import selectors as content
from apps.content.models import Content
from apps.content.services import set_status, upsert_contents
from apps.content.tests.factories import DAY_MS, HOUR_MS, NOW_MS, make_content, make_contents
from apps.content.types import ContentRow
from apps.events.tests.factories import make_event, send
from apps.feed.conf import PARAMS
from apps.feed.tests.factories import feed, ids, scroll
from apps.profiles.services import ensure_viewers, upsert_users
from apps.profiles.types import Preferences, UserRow

pytestmark = pytest.mark.django_db


@pytest.fixture
def _no_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no content be drawn by lot: which one is depends on the viewer's key."""
    monkeypatch.setattr("apps.candidates.sources.explore.Explore.quota", lambda self, request: 0)


@pytest.mark.usefixtures("_no_lots")
def test_categories_that_a_newcomer_chose_come_first() -> None:
    kinds = ["cars", "books", "music", "pets"]
    for i in range(40):
        kind = kinds[i % 4]
        make_content(f"{kind}{i}", f"creator{i}", category=kind, duration=20.0)
    upsert_users([UserRow("alice", preferences=Preferences(categories=["books"]))], now_ms=NOW_MS)

    chosen, others = ids(feed("alice")), ids(feed("carol"))

    assert chosen[0].startswith("books")
    assert sum(c.startswith("books") for c in chosen) > sum(c.startswith("books") for c in others)


class TestNextRequest:
    """What a viewer did, and what was decided, is in the next page."""

    @pytest.mark.parametrize("kind", ["view", "skip", "like", "report"])
    def test_seen_content_never_comes_back(self, kind: str) -> None:
        made = make_contents(8)
        send(*(make_event(kind, NOW_MS - DAY_MS, content_id=c) for c in made[:6]))

        assert set(ids(feed())) == set(made[6:])

    def test_content_seen_long_ago_never_comes_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("apps.events.conf.HISTORY_EVENTS", 3)
        monkeypatch.setattr("apps.events.selectors._HISTORY._compiled", {})
        made = make_contents(12)
        send(
            *(make_event("view", NOW_MS - 1000 + i, content_id=c) for i, c in enumerate(made[:10]))
        )

        assert set(ids(feed())) == set(made[10:])

    def test_what_others_saw_still_comes(self) -> None:
        made = make_contents(4)
        send(*(make_event(content_id=c, user_id="carol") for c in made))

        assert set(ids(feed())) == set(made)

    @pytest.mark.parametrize("ahead_ms", [-1000, 0, 120_000])
    def test_hidden_creator_is_gone_from_the_next_request(self, ahead_ms: int) -> None:
        make_contents(10, creators=5)
        hide = make_event("hide", NOW_MS + ahead_ms, content_id=None, creator_id="creator3")
        send(hide)

        creators = {item.creator_id for item in feed(now_ms=NOW_MS + 1).items}

        assert creators == {"creator0", "creator1", "creator2", "creator4"}

    def test_hidden_content_hides_its_creator_for_two_weeks(self) -> None:
        make_contents(10, creators=5)
        send(make_event("hide", content_id="v3"))

        soon, later = feed(now_ms=NOW_MS + DAY_MS), feed(now_ms=NOW_MS + 15 * DAY_MS)

        assert "creator3" not in {item.creator_id for item in soon.items}
        assert "v8" in ids(later)
        assert "v3" not in ids(later)

    def test_creator_comes_back_when_the_hide_is_taken_back(self) -> None:
        make_contents(10, creators=5)
        send(make_event("hide", NOW_MS - 5, content_id="v3"))
        assert "creator3" not in {item.creator_id for item in feed().items}

        send(make_event("unhide", NOW_MS - 4, content_id="v3"))
        answer = feed(now_ms=NOW_MS + 2 * HOUR_MS)  # what was just served does not come again

        assert "v8" in ids(answer)

    def test_a_mute_never_empties_a_feed(self) -> None:
        made = make_contents(6, creators=1)
        send(make_event("hide", content_id="v3"))

        assert set(ids(feed())) == set(made) - {"v3"}

    def test_muted_creators_do_not_come_while_there_are_others(self) -> None:
        make_contents(10, creators=5)
        send(make_event("hide", content_id="v3"))

        pages = scroll(limit=4)

        creators = [item.creator_id for page in pages for item in page.items]
        assert creators[8:] == ["creator3"]  # when all 8 of the others have come

    def test_a_block_holds_where_nothing_else_is_left(self) -> None:
        make_contents(6, creators=1)
        send(make_event("hide", content_id=None, creator_id="creator0"))

        assert ids(feed()) == []

    def test_contents_about_what_was_hidden_come_later(self) -> None:
        for i in range(12):
            make_content(f"n{i}", f"a{i}", category="news", tags=["war"])
            make_content(f"d{i}", f"b{i}", category="dance", tags=["salsa"])
        before = sum(item.content_id[0] == "n" for item in feed(limit=12).items)
        send(*(make_event("hide", NOW_MS, content_id=f"n{i}", user_id="carol") for i in range(3)))

        after = sum(item.content_id[0] == "n" for item in feed("carol", limit=12).items)

        assert before > 3
        assert after < before

    def test_hidden_creator_stays_visible_to_others(self) -> None:
        make_contents(10, creators=5)
        send(make_event("hide", content_id=None, creator_id="creator3"))

        assert "creator3" in {item.creator_id for item in feed("carol").items}

    @pytest.mark.usefixtures("_no_lots")
    def test_followed_creators_contents_appear_after_a_follow(self) -> None:
        make_content("old", "bob", now_ms=NOW_MS - 300 * DAY_MS)
        make_contents(60, creators=30)
        assert "old" not in ids(feed())

        send(make_event("follow", content_id=None, creator_id="bob"))

        answer = feed(now_ms=NOW_MS + 1)
        (item,) = [i for i in answer.items if i.content_id == "old"]
        assert (item.source, item.reason) == ("followed", "You follow bob")

    @pytest.mark.usefixtures("_no_lots")
    def test_unfollowed_creators_contents_lose_their_place(self) -> None:
        make_content("old", "bob", now_ms=NOW_MS - 300 * DAY_MS)
        make_contents(60, creators=30)
        upsert_users(
            [UserRow("alice", preferences=Preferences(creators_followed=["bob"]))], now_ms=NOW_MS
        )
        send(make_event("unfollow", NOW_MS + 1, content_id=None, creator_id="bob"))

        assert "old" not in ids(feed(now_ms=NOW_MS + 2))

    @pytest.mark.parametrize("status", [Content.Status.REMOVED, Content.Status.HIDDEN])
    def test_removed_content_is_gone_from_the_next_request(self, status: Any) -> None:
        made = make_contents(8)

        set_status([made[0]], status, now_ms=NOW_MS + 1)

        assert set(ids(feed(now_ms=NOW_MS + 1))) == set(made[1:])

    def test_removed_content_is_gone_even_when_the_catalogue_in_memory_is_stale(
        self, settings: Any
    ) -> None:
        made = make_contents(8)
        settings.REFRESH_SECONDS = 1
        feed("carol")  # fills the memory
        set_status(made[:3], Content.Status.REMOVED, now_ms=NOW_MS + 1)

        answer = feed(now_ms=NOW_MS + 1)

        assert len(content.catalog()) == 8
        assert content.catalog().is_servable.all()
        assert set(ids(answer)) == set(made[3:])

    def test_removed_contents_do_not_shorten_a_page_of_a_stale_catalogue(
        self, settings: Any
    ) -> None:
        made = make_contents(40, creators=20)
        settings.REFRESH_SECONDS = 1
        removed = ids(feed("carol"))[:5]
        set_status(removed, Content.Status.REMOVED, now_ms=NOW_MS + 1)

        answer = feed(now_ms=NOW_MS + 1)

        assert len(answer.items) == PARAMS.default_limit
        assert not set(removed) & set(ids(answer))
        assert set(ids(answer)) <= set(made)

    def test_own_content_is_never_served(self) -> None:
        make_contents(6, creators=3)
        ensure_viewers(["creator1"])

        assert "creator1" not in {item.creator_id for item in feed("creator1").items}

    def test_own_content_is_not_served_on_the_very_first_request(self) -> None:
        make_contents(6, creators=3)

        assert "creator1" not in {item.creator_id for item in feed("creator1").items}

    def test_own_contents_do_not_crowd_out_those_of_others(self) -> None:
        others = make_contents(5, now_ms=NOW_MS - DAY_MS)
        rows = [ContentRow(f"own{i}", "alice") for i in range(60)]
        upsert_contents(rows, now_ms=NOW_MS)

        assert set(ids(feed("alice"))) == set(others)

    def test_contents_of_tomorrow_do_not_crowd_out_those_of_today(self) -> None:
        upsert_users(
            [UserRow("alice", preferences=Preferences(creators_followed=["bob"]))], now_ms=NOW_MS
        )
        make_content("old", "bob", now_ms=NOW_MS - 300 * DAY_MS)
        make_contents(60, creators=30)
        rows = [ContentRow(f"later{i}", "bob") for i in range(70)]
        upsert_contents(rows, now_ms=NOW_MS + DAY_MS)

        assert "old" in ids(feed("alice"))


def test_changed_creator_counts_from_the_next_request_on() -> None:
    make_content("v1", "bob")
    send(make_event("hide", content_id=None, creator_id="mallory"))
    assert ids(feed(now_ms=NOW_MS + 1)) == ["v1"]

    upsert_contents([ContentRow("v1", "mallory")], now_ms=NOW_MS + 2)

    assert ids(feed(now_ms=NOW_MS + 7_200_000)) == []
