"""The modes of a feed, and the viewer who refuses that it follows from what they do."""

from __future__ import annotations

from typing import Any

import pytest

from apps.candidates.models import Rule
from apps.content.models import Content
from apps.content.services import set_status
from apps.content.tests.factories import HOUR_MS, make_contents
from apps.core.clock import now_ms
from apps.core.params import Overrides
from apps.events.models import Slate
from apps.events.tests.factories import make_event, send
from apps.experiments.models import Exposure
from apps.experiments.tests.factories import make_running
from apps.feed.modes import MODES
from apps.feed.tests.factories import feed
from apps.feed.tests.test_lists import items, watch
from apps.feed.tracing import trace

# On PostgreSQL the counters see nothing of a transaction that is still running.
pytestmark = pytest.mark.django_db(transaction=True)
PLAIN = sorted(set(MODES) - {"foryou"})


@pytest.fixture
def world() -> list[str]:
    """Forty contents of five creators, v39 the newest; v3 is watched most, then v7, then v5."""
    made = make_contents(40, now_ms=now_ms() - HOUR_MS)
    watch("v3", by=5)
    watch("v7", by=3, start=100)
    watch("v5", by=2, start=200)
    return made


def newest_first(*, but: set[str] | None = None) -> list[str]:
    return [f"v{i}" for i in range(39, -1, -1) if f"v{i}" not in (but or set())]


def refuse(api: Any, user: str = "alice", *, personalization: bool = False) -> None:
    answer = api.put(f"users/{user}", {"preferences": {"personalization": personalization}})
    assert answer.status_code == 204, answer.content


def follow(api: Any, *creators: str) -> None:
    told = {"preferences": {"creators_followed": list(creators)}}
    assert api.put("users/alice", told).status_code == 204


def done(kind: str, *contents: str, user: str = "alice", **given: Any) -> None:
    at_ms = now_ms() - 1000
    events = [make_event(kind, at_ms, user_id=user, content_id=c, **given) for c in contents]
    assert send(*events, now_ms=now_ms()).accepted == len(contents)


def scrolled(api: Any, mode: str, *, limit: int = 7) -> list[str]:
    """Return all contents of a scroll to its end."""
    shown: list[str] = []
    asked: dict[str, Any] = {"user_id": "alice", "mode": mode, "limit": limit}
    answer = api.get("feed", **asked)
    while items(answer):
        shown += items(answer)
        answer = api.get("feed", **asked, cursor=answer.json()["next_cursor"])
    return shown


@pytest.mark.usefixtures("world")
class TestOrder:
    def test_following_has_what_followed_creators_made_the_newest_first(self, api: Any) -> None:
        follow(api, "creator1", "creator3")

        found = items(api.get("feed", user_id="alice", mode="following", limit=6))

        assert found == ["v38", "v36", "v33", "v31", "v28", "v26"]

    def test_following_of_nobody_is_empty(self, api: Any) -> None:
        answer = api.get("feed", user_id="alice", mode="following")

        assert items(answer) == []
        assert answer.json()["next_cursor"] is None

    def test_latest_is_the_newest_first(self, api: Any) -> None:
        found = items(api.get("feed", user_id="alice", mode="latest", limit=40))

        assert found == newest_first()

    def test_popular_begins_with_what_the_list_ranks_and_has_everything(self, api: Any) -> None:
        ranked = api.get("popular").json()["items"]

        answer = api.get("feed", user_id="alice", mode="popular", limit=40)

        watched = ["v3", "v7", "v5"]
        assert [item["content_id"] for item in ranked] == watched
        assert items(answer) == watched + newest_first(but=set(watched))
        scores = [item["score"] for item in answer.json()["items"]]
        assert scores[:3] == pytest.approx([item["score"] for item in ranked], rel=1e-4)
        assert scores == sorted(scores, reverse=True)

    def test_items_say_why(self, api: Any) -> None:
        follow(api, "creator1")

        def first(mode: str) -> str:
            return str(api.get("feed", user_id="alice", mode=mode).json()["items"][0]["reason"])

        assert first("following") == "You follow creator1"
        assert first("popular") == "Popular today"
        assert first("latest") == "New"

    def test_cards_come_with_explain(self, api: Any) -> None:
        answer = api.get("feed", user_id="alice", mode="popular", explain=1).json()

        assert answer["items"][0]["content"]["creator_name"] == "creator3"
        assert answer["degraded"] == []


@pytest.mark.usefixtures("world")
class TestHistory:
    """What a viewer does takes contents out, and moves none."""

    @pytest.mark.parametrize("mode", PLAIN)
    def test_opposite_pasts_leave_the_same_order(self, mode: str, api: Any) -> None:
        creators = [f"creator{i}" for i in range(5)]
        for user in ("alice", "carol", "nobody"):
            told = {"preferences": {"creators_followed": creators}}
            api.put(f"users/{user}", told)
        done("like", "v10", "v15", "v20")
        done("skip", "v11", "v16")
        done("like", "v11", "v16", user="carol")
        done("skip", "v10", "v15", "v20", user="carol")
        met = {"v10", "v15", "v20", "v11", "v16"}

        def page(user: str) -> list[str]:
            return items(api.get("feed", user_id=user, mode=mode, limit=40))

        assert page("alice") == page("carol")
        assert page("alice") == [c for c in page("nobody") if c not in met]

    @pytest.mark.parametrize("mode", PLAIN)
    def test_new_scroll_begins_again_with_what_was_not_seen(self, mode: str, api: Any) -> None:
        follow(api, "creator0", "creator1")
        api.get("feed", user_id="alice")  # For You has served some of it a moment ago
        first = items(api.get("feed", user_id="alice", mode=mode))
        done("view", first[0], watch_duration=3)

        again = items(api.get("feed", user_id="alice", mode=mode))

        assert again[:9] == first[1:]

    @pytest.mark.parametrize("mode", PLAIN)
    def test_scroll_repeats_nothing_and_misses_nothing(self, mode: str, api: Any) -> None:
        follow(api, *(f"creator{i}" for i in range(5)))

        shown = scrolled(api, mode)

        assert sorted(shown) == sorted(newest_first())


@pytest.mark.usefixtures("world")
class TestWhatHoldsEverywhere:
    @pytest.fixture(autouse=True)
    def _follows(self, api: Any) -> None:
        follow(api, *(f"creator{i}" for i in range(5)))

    @pytest.mark.parametrize("mode", PLAIN)
    def test_hidden_creator_stays_out(self, mode: str, api: Any) -> None:
        done("hide", "v38")

        page = items(api.get("feed", user_id="alice", mode=mode, limit=40))
        assert sorted(page) == sorted(f"v{i}" for i in range(40) if i not in range(3, 40, 5))

    def test_end_of_following_does_not_bring_a_hidden_creator_back(self, api: Any) -> None:
        follow(api, "creator3")
        done("hide", "v38")

        assert items(api.get("feed", user_id="alice", mode="following")) == []
        assert items(api.get("feed", user_id="alice", mode="latest"))

    @pytest.mark.parametrize("mode", PLAIN)
    def test_blocked_creator_stays_out(self, mode: str, api: Any) -> None:
        block = make_event("hide", now_ms() - 500, creator_id="creator3", content_id=None)
        assert send(block, now_ms=now_ms()).accepted == 1

        assert "v3" not in scrolled(api, mode, limit=40)

    @pytest.mark.parametrize("mode", PLAIN)
    def test_removed_content_is_gone_at_once(self, mode: str, api: Any) -> None:
        assert "v3" in scrolled(api, mode, limit=40)
        set_status(["v3"], Content.Status.REMOVED, now_ms=now_ms())

        assert "v3" not in scrolled(api, mode, limit=40)

    @pytest.mark.parametrize("mode", PLAIN)
    def test_age_restriction_holds_by_the_database_alone(self, mode: str, api: Any) -> None:
        scrolled(api, mode, limit=40)  # the catalogue is in memory
        Content.objects.filter(content_id="v3").update(is_age_restricted=True)

        assert "v3" not in scrolled(api, mode, limit=40)
        api.put("users/alice", {"demographics": {"age_group": "25-34"}})
        assert "v3" in scrolled(api, mode, limit=40)

    def test_limited_reach_comes_to_followers_and_on_no_list(self, api: Any) -> None:
        row = Content.objects.get(content_id="v3")
        row.is_reach_limited, row.changed_ms = True, now_ms()
        row.save()

        assert "v3" in scrolled(api, "following", limit=40)
        assert "v3" not in scrolled(api, "popular", limit=40)
        assert "v3" not in scrolled(api, "latest", limit=40)

    @pytest.mark.parametrize("mode", PLAIN)
    def test_own_contents_and_editors_exclusions_stay_out(self, mode: str, api: Any) -> None:
        excluded = Content.objects.get(content_id="v4")
        Rule.objects.create(name="not now", effect=Rule.Effect.EXCLUDE, content=excluded)

        assert "v4" not in scrolled(api, mode, limit=40)

    @pytest.mark.parametrize("mode", PLAIN)
    def test_conditions_of_the_caller_hold(self, mode: str, api: Any) -> None:
        answer = api.get("feed", user_id="alice", mode=mode, exclude="v3,v39", limit=40)

        assert len(items(answer)) == 38
        assert {"v3", "v39"}.isdisjoint(items(answer))


@pytest.mark.usefixtures("world")
class TestSlate:
    @pytest.mark.parametrize("mode", PLAIN)
    def test_slate_says_that_no_ranker_made_it(self, mode: str, api: Any) -> None:
        follow(api, "creator1")

        answer = api.get("feed", user_id="alice", mode=mode, surface=4).json()

        slate = Slate.objects.get(pk=answer["request_id"])
        assert answer["ranker"] == slate.ranker == f"mode:{mode}"
        assert (slate.surface, slate.feature_schema, slate.features) == (4, "", b"")

    def test_page_of_a_mode_takes_part_in_no_experiment(self, api: Any) -> None:
        make_running("cap")

        assert api.get("feed", user_id="alice", mode="latest").json()["experiment"] == {}
        assert not Exposure.objects.exists()
        assert api.get("feed", user_id="alice").json()["experiment"].keys() == {"cap"}

    @pytest.mark.parametrize("mode", PLAIN)
    @pytest.mark.parametrize("limit", [1, 40])
    def test_number_of_queries_is_that_of_the_feed(
        self, mode: str, limit: int, settings: Any, api: Any, django_assert_num_queries: Any
    ) -> None:
        settings.REFRESH_SECONDS = 60
        follow(api, "creator1")
        feed("carol", mode=mode, now_ms=now_ms())  # fills the memory

        with django_assert_num_queries(5):
            feed(mode=mode, limit=limit, now_ms=now_ms())


@pytest.mark.usefixtures("world")
class TestRefusal:
    def test_for_you_is_answered_as_popular(self, api: Any) -> None:
        refuse(api)

        answer = api.get("feed", user_id="alice", limit=3)

        assert items(answer) == ["v3", "v7", "v5"]
        assert answer.json()["ranker"] == "mode:popular"

    def test_refusal_holds_with_the_next_page_and_can_be_taken_back(self, api: Any) -> None:
        def ranker(cursor: str = "") -> tuple[str, str]:
            found = api.get("feed", user_id="alice", cursor=cursor).json()
            return found["ranker"], found["next_cursor"]

        name, cursor = ranker()
        assert name == "taste_order"
        refuse(api)
        name, cursor = ranker(cursor)
        assert name == "mode:popular"
        refuse(api, personalization=True)
        assert ranker(cursor)[0] == "taste_order"

    @pytest.mark.parametrize("mode", ["following", "latest"])
    def test_other_modes_are_answered_as_asked(self, mode: str, api: Any) -> None:
        refuse(api)

        assert api.get("feed", user_id="alice", mode=mode).json()["ranker"] == f"mode:{mode}"

    def test_everything_that_may_be_shown_comes(self, api: Any) -> None:
        refuse(api)

        assert sorted(scrolled(api, "foryou")) == sorted(newest_first())

    def test_inspector_shows_the_page_that_is_served(self, api: Any) -> None:
        refuse(api)

        found = trace("alice", Overrides(), now_ms=now_ms())

        served = items(api.get("feed", user_id="alice"))
        assert [slot.known.content_id for slot in found.slots] == served

    def test_rank_that_support_is_told_is_that_of_the_page(self, api: Any) -> None:
        refuse(api)

        told = api.get("content/v7/exposure", user_id="alice").json()["viewer"]

        assert (told["proposed_by"], told["rank"]) == (["popular_1d", "fresh"], 2)


class TestAsked:
    def test_unknown_mode_is_refused_by_name(self, api: Any) -> None:
        answer = api.get("feed", user_id="alice", mode="best")

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "mode"

    def test_schema_lists_the_modes(self, api: Any) -> None:
        schema = api.client.get("/api/schema/?format=json").json()

        given = schema["paths"]["/api/v1/feed"]["get"]["parameters"]
        (mode,) = [parameter for parameter in given if parameter["name"] == "mode"]
        assert mode["schema"]["enum"] == sorted(MODES)
        assert all(name in mode["description"] for name in MODES)
