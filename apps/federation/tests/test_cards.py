"""What the server states of contents, and what a device makes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.content.models import Content
from apps.content.tests.factories import make_content, make_contents
from apps.core.clock import now_ms
from apps.events.tests.factories import make_event, send
from apps.federation.conf import FEATURES
from apps.federation.device.taste import Taste
from apps.profiles.models import Viewer


def watch(content_id: str, n: int, *, seconds: float) -> None:
    for i in range(n):
        event = make_event(
            at_ms=now_ms(),
            content_id=content_id,
            user_id=f"u{i}",
            event_id=f"{content_id} {i}",
            watch_duration=seconds,
        )
        assert send(event, now_ms=now_ms()).accepted == 1


def cards(api: Any, **asked: Any) -> list[dict[str, Any]]:
    answer = api.get("federation/cards", **asked)
    assert answer.status_code == 200, answer.content
    return answer.json()["cards"]


# Counters read only what is committed.
@pytest.mark.django_db(transaction=True)
class TestCards:
    def test_tell_of_each_content_what_a_device_cannot_know(self, api: Any) -> None:
        make_content("long", creator_id="bob", category="pets", language="de", duration=60.0)
        make_content("short", creator_id="eve", category="cars", duration=5.0)
        watch("long", 30, seconds=50)
        watch("short", 30, seconds=1)

        liked, other = cards(api, content_id="long,short")

        assert (liked["creator_id"], liked["category"], liked["language"]) == ("bob", "pets", "de")
        assert (liked["long_view_seconds"], other["long_view_seconds"]) == (18.0, 5.0)
        assert liked["content_rate"] > liked["creator_rate"] > 0
        assert other["content_rate"] < other["creator_rate"] < 0

    def test_of_an_upload_say_nothing_but_what_its_creator_has_earned(self, api: Any) -> None:
        for name, creator in (("old", "bob"), ("new", "bob"), ("other", "eve")):
            make_content(name, creator_id=creator)
        watch("old", 30, seconds=50)

        new, other = cards(api, content_id="new,other")

        unknown = [new["content_rate"], other["content_rate"], other["creator_rate"]]
        assert unknown == pytest.approx([0, 0, 0], abs=1e-9)
        assert new["creator_rate"] > 0

    def test_without_names_are_of_what_is_popular_then_new(self, api: Any) -> None:
        make_contents(8, now_ms=now_ms() - 3_600_000)
        watch("v3", 5, seconds=50)

        found = cards(api, limit=5)

        assert len(found) == 5
        assert found[0]["content_id"] == "v3"

    @pytest.mark.parametrize(
        "change",
        [
            {"status": "removed"},
            {"is_age_restricted": True},
            {"is_reach_limited": True},
            {"uploaded_ms": 4_000_000_000_000},
        ],
    )
    def test_are_of_nothing_that_not_everybody_may_be_shown(self, api: Any, change: Any) -> None:
        make_content("a")
        make_content("b")
        Content.objects.filter(content_id="a").update(**change, changed_ms=now_ms())

        assert [c["content_id"] for c in cards(api, content_id="a,b,unknown")] == ["b"]
        assert [c["content_id"] for c in cards(api)] == ["b"]

    def test_make_nobody_known(self, api: Any) -> None:
        make_content("a")
        cards(api)

        assert not Viewer.objects.exists()

    def test_queries_are_as_many_for_one_as_for_all(
        self, api: Any, django_assert_max_num_queries: Any
    ) -> None:
        make_contents(60, now_ms=now_ms() - 3_600_000)
        cards(api, limit=1)
        with django_assert_max_num_queries(8):
            assert len(cards(api)) == 60

    @pytest.mark.parametrize(
        "asked", [{"limit": 0}, {"limit": 201}, {"content_id": ",".join("x" * 201)}, {"user_id": 1}]
    )
    def test_refuse_what_they_do_not_understand(self, api: Any, asked: Any) -> None:
        assert api.get("federation/cards", **asked).status_code == 422


def card(content_id: str = "a", **given: Any) -> dict[str, Any]:
    return {
        "content_id": content_id,
        "creator_id": "bob",
        "category": "pets",
        "language": "en",
        "long_view_seconds": 18.0,
        "content_rate": 0.0,
        "creator_rate": 0.0,
        **given,
    }


WEIGHTS = dict.fromkeys(FEATURES, 1.0)


class TestTaste:
    def test_of_a_new_device_is_the_card_alone(self) -> None:
        (row,) = Taste("en").features([card(content_rate=0.5, creator_rate=-0.25)])

        assert row.tolist() == [1, 0.5, -0.25, 0, 0, 0, 1]

    def test_of_what_was_watched_is_in_the_very_next_page(self) -> None:
        taste = Taste("en")
        shown = [card("a"), card("b", category="cars", creator_id="eve")]
        assert [c["content_id"] for c in taste.ranked(shown, WEIGHTS)] == ["a", "b"]

        assert taste.learn(card(category="cars", creator_id="eve"), 18.0)
        assert not taste.learn(card(category="pets", creator_id="bob"), 17.9)

        assert [c["content_id"] for c in taste.ranked(shown, WEIGHTS)] == ["b", "a"]

    def test_is_worked_out_by_hand(self) -> None:
        """1 of 2 long: (1 + 3·.3)/(2 + 3) = .38 in all; cars (1 + 3·.38)/(1 + 3) = .535."""
        taste = Taste("de")
        taste.learn(card(category="cars", creator_id="eve"), 60.0)
        taste.learn(card(category="pets", creator_id="bob"), 1.0)

        (row,) = taste.features([card(category="cars", creator_id="new")])

        own = np.log(0.38 / 0.62) - np.log(0.3 / 0.7)
        assert row == pytest.approx([1, 0, 0, own, 4 * (0.535 - 0.38), 0, 0])

    def test_orders_as_the_server_does_before_anything_was_trained(self) -> None:
        shown = [card("a"), card("b", content_rate=2.0)]

        assert Taste("en").ranked(shown, dict.fromkeys(FEATURES, 0.0)) == shown

    def test_has_rows_for_no_cards(self) -> None:
        assert Taste("en").features([]).shape == (0, len(FEATURES))
