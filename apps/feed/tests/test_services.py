"""One page of a feed, and the next ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.candidates.sources import SOURCE_NAMES
from apps.content import selectors as content
from apps.content.models import Content
from apps.content.tests.factories import DAY_MS, NOW_MS, make_content, make_contents
from apps.core.errors import Problem
from apps.events.models import Event, Slate
from apps.events.tests.factories import make_event, send
from apps.feed.conf import PARAMS
from apps.feed.tests.factories import SKIPPED_BEFORE_TRAINING, feed, ids, scroll
from apps.profiles.models import Viewer
from apps.profiles.services import ensure_viewers, upsert_users
from apps.profiles.types import Demographics, Preferences, UserRow

pytestmark = pytest.mark.django_db


class TestPage:
    def test_unknown_user_gets_items(self) -> None:
        made = make_contents(30)

        answer = feed("nobody")

        assert len(answer.items) == PARAMS.default_limit
        assert set(ids(answer)) <= set(made)

    @pytest.mark.parametrize("limit", [1, 7, 20])
    def test_page_has_as_many_items_as_asked(self, limit: int) -> None:
        make_contents(120, creators=60)

        assert len(feed(limit=limit).items) == limit

    def test_page_of_an_empty_catalogue_is_empty(self) -> None:
        answer = feed()

        assert (answer.items, answer.next_cursor) == ([], None)

    def test_items_say_where_they_stand_and_why(self) -> None:
        make_contents(3)

        answer = feed()

        assert [item.position for item in answer.items] == [0, 1, 2]
        assert {item.source for item in answer.items} <= set(SOURCE_NAMES)
        assert all(item.reason for item in answer.items)
        assert {item.creator_id for item in answer.items} == {"creator0", "creator1", "creator2"}

    def test_without_training_the_ladder_serves_and_says_so(self) -> None:
        make_contents(3)

        answer = feed()

        assert answer.ranker == "taste_order"
        assert answer.degraded == SKIPPED_BEFORE_TRAINING

    def test_explained_page_has_cards_and_another_has_none(self) -> None:
        make_content("v1", description="A dance", tags=["dance"], duration=9.5)

        card = feed(explain=True).items[0].content

        assert card is not None
        assert (card.description, card.tags, card.duration) == ("A dance", ["dance"], 9.5)
        assert feed("carol").items[0].content is None

    def test_no_creator_fills_the_top_of_a_page(self) -> None:
        make_contents(30, creators=10)

        creators = [item.creator_id for item in feed().items]

        assert max(creators.count(c) for c in creators) <= PARAMS.creator_cap

    def test_page_is_filled_by_one_creator_where_there_is_no_other(self) -> None:
        make_contents(30, creators=1)

        assert len(feed().items) == PARAMS.default_limit

    def test_content_of_tomorrow_is_not_shown_today(self) -> None:
        make_content("v1", now_ms=NOW_MS + DAY_MS)

        assert feed().items == []
        assert ids(feed(now_ms=NOW_MS + DAY_MS)) == ["v1"]


class TestScroll:
    def test_no_content_comes_twice_until_the_catalogue_is_exhausted(self) -> None:
        made = make_contents(137, creators=11)

        pages = scroll()

        shown = [content_id for page in pages for content_id in ids(page)]
        assert sorted(shown) == sorted(made)
        assert pages[-1].next_cursor is None

    def test_positions_run_on_over_pages(self) -> None:
        make_contents(25)

        pages = scroll()

        positions = [item.position for page in pages for item in page.items]
        assert positions == list(range(25))

    def test_pages_of_one_scroll_share_their_session(self) -> None:
        make_contents(25)
        scroll()

        assert Slate.objects.values("feed_session").distinct().count() == 1
        feed()
        assert Slate.objects.values("feed_session").distinct().count() == 2

    def test_uploads_during_a_scroll_repeat_nothing(self) -> None:
        make_contents(20)
        first = feed()
        make_contents(20, prefix="w", now_ms=NOW_MS + 500)

        second = feed(cursor=first.next_cursor, now_ms=NOW_MS + 1000)

        assert not set(ids(first)) & set(ids(second))
        assert len(second.items) == 10

    def test_new_scroll_does_not_repeat_what_was_just_served(self) -> None:
        make_contents(20)

        first, second = feed(), feed(now_ms=NOW_MS + 60_000)

        assert not set(ids(first)) & set(ids(second))

    def test_what_was_served_but_not_seen_comes_back_later(self) -> None:
        make_contents(10)
        first = feed()

        assert set(ids(feed(now_ms=NOW_MS + 2 * 3_600_000))) == set(ids(first))

    def test_cursor_of_another_viewer_is_refused(self) -> None:
        make_contents(20)
        cursor = feed("alice").next_cursor

        with pytest.raises(Problem, match="another user_id"):
            feed("mallory", cursor=cursor)

    def test_scrolls_of_two_viewers_do_not_touch_each_other(self) -> None:
        made = make_contents(20)

        alice, carol = scroll("alice"), scroll("carol")

        assert sorted(i for p in alice for i in ids(p)) == sorted(made)
        assert sorted(i for p in carol for i in ids(p)) == sorted(made)


class TestFreshness:
    def test_catalogue_newer_than_the_counters_degrades_nothing(self, settings: Any) -> None:
        make_contents(8)
        settings.REFRESH_SECONDS = 1
        feed("carol")
        make_contents(4, prefix="w", now_ms=NOW_MS + 10)

        content._live.update()  # the refresh goes on to the counters only after this
        answer = feed(now_ms=NOW_MS + 2000)

        assert answer.degraded == SKIPPED_BEFORE_TRAINING
        assert len(answer.items) >= 8

    def test_viewer_who_has_seen_almost_everything_gets_the_rest(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("apps.events.conf.HISTORY_EVENTS", 5)
        monkeypatch.setattr("apps.events.selectors._HISTORY._compiled", {})
        made = make_contents(90, creators=30)
        seen = made[3:]  # all but the three oldest, most of them long ago
        send(*(make_event("view", NOW_MS - 1000 + i, content_id=c) for i, c in enumerate(seen)))

        assert set(ids(feed())) == set(made[:3])


class TestSlate:
    def test_slate_is_stored_as_it_was_served(self) -> None:
        make_contents(30)

        answer = feed(limit=7)

        slate = Slate.objects.get()
        pks = np.frombuffer(slate.content_pks, "<i8").tolist()
        by_pk = Content.objects.in_bulk(pks)
        assert str(slate.id) == answer.request_id
        assert [by_pk[pk].content_id for pk in pks] == ids(answer)
        scores = np.frombuffer(slate.scores, "<f4")
        np.testing.assert_allclose(scores, [item.score for item in answer.items], rtol=1e-6)
        sources = np.frombuffer(slate.sources, "<u4")
        firsts = [SOURCE_NAMES.index(item.source) for item in answer.items]
        assert all(mask >> first & 1 for mask, first in zip(sources.tolist(), firsts, strict=True))
        propensities = np.frombuffer(slate.propensities, "<f4")
        assert ((propensities > 0) & (propensities <= 1)).all()
        assert (slate.served_ms, slate.first_position, slate.ranker) == (NOW_MS, 0, "taste_order")
        assert slate.viewer_id == ensure_viewers(["alice"])["alice"]

    def test_slates_of_a_scroll_say_where_they_begin(self) -> None:
        make_contents(25)

        scroll()

        firsts = Slate.objects.order_by("served_ms").values_list("first_position", flat=True)
        assert list(firsts) == [0, 10, 20, 25]

    def test_empty_page_has_an_empty_slate(self) -> None:
        feed()

        assert bytes(Slate.objects.get().content_pks) == b""


class TestQueries:
    @pytest.fixture(autouse=True)
    def _world(self, settings: Any) -> None:
        make_contents(80, creators=20)
        settings.REFRESH_SECONDS = 1
        ensure_viewers(["alice"])
        feed("carol")  # fills the memory

    @pytest.mark.parametrize("limit", [1, 5, 40, 50])
    def test_number_of_queries_does_not_grow_with_the_page(
        self, limit: int, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(5):
            feed(limit=limit)

    @pytest.mark.parametrize(("n_events", "n_queries"), [(1, 5), (50, 5), (300, 6), (400, 6)])
    def test_number_of_queries_grows_by_one_with_a_history_longer_than_is_read(
        self, n_events: int, n_queries: int, django_assert_num_queries: Any
    ) -> None:
        send(
            *(
                make_event(at_ms=NOW_MS - 1000 - i, content_id=f"v{i % 60}", event_id=f"e{i}")
                for i in range(n_events)
            )
        )

        with django_assert_num_queries(n_queries):
            feed()

    def test_number_of_queries_does_not_grow_with_follows(
        self, django_assert_num_queries: Any
    ) -> None:
        follows = Preferences(creators_followed=[f"creator{i}" for i in range(20)])
        upsert_users([UserRow("alice", preferences=follows)], now_ms=NOW_MS - 5)

        with django_assert_num_queries(5):
            feed()


def test_feed_makes_the_viewer_once() -> None:
    make_contents(3)

    feed("alice")
    feed("alice")

    assert Viewer.objects.count() == 1
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)  # on PostgreSQL counters see what is committed
def test_what_a_language_takes_is_learned_from_those_who_speak_the_viewers() -> None:
    """German viewers watch what is in English, Spanish ones what is in Spanish."""
    for i in range(20):
        language = ("en", "es")[i % 2]
        make_content(f"{language}{i}", f"creator{i}", language=language, duration=20.0)
    make_content("de", "creator", language="de", duration=20.0)  # a language of the catalogue
    for i in range(40):
        speaks, understands = (("de", "en"), ("es", "es"))[i % 2]
        upsert_users([UserRow(f"u{i}", Demographics(language=speaks))], now_ms=NOW_MS)
        for n in range(20):
            language = ("en", "es")[n % 2]
            watched = 20.0 if language == understands else 0.5
            content_id = f"{language}{n}"
            send(make_event(content_id=content_id, user_id=f"u{i}", watch_duration=watched))
    upsert_users([UserRow("neu", Demographics(language="de"))], now_ms=NOW_MS)

    first = [content_id[:2] for content_id in ids(feed("neu", limit=8))]

    assert first.count("es") <= 1
