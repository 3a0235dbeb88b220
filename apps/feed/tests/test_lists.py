"""Popular, trending and similar contents, restrictions and editors' rules, over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.candidates.models import Rule
from apps.content.models import Content
from apps.content.services import set_status
from apps.content.tests.factories import HOUR_MS, make_content, make_contents
from apps.core.clock import now_ms, to_datetime
from apps.events.tests.factories import make_event, send
from apps.profiles.selectors import viewer_keys

# On PostgreSQL the counters see nothing of a transaction that is still running.
committed = pytest.mark.django_db(transaction=True)
DAYS_7_MS = 7 * 24 * HOUR_MS


def watch(content_id: str, *, by: int, ago_ms: int = 60_000, start: int = 0) -> None:
    """Let `by` viewers watch a content to the end."""
    at_ms = now_ms() - ago_ms
    send(
        *(
            make_event(
                content_id=content_id, user_id=f"u{start + i}", at_ms=at_ms, watch_duration=20
            )
            for i in range(by)
        ),
        now_ms=now_ms(),
    )


def items(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["content_id"] for item in answer.json()["items"]]


def make_world() -> list[str]:
    return make_contents(12, now_ms=now_ms() - HOUR_MS)


@committed
class TestPopular:
    def test_most_watched_come_first(self, api: Any) -> None:
        make_world()
        watch("v3", by=5)
        watch("v7", by=2)
        assert items(api.get("popular", period="1d")) == ["v3", "v7"]

    def test_period_decides_what_counts(self, api: Any) -> None:
        make_world()
        watch("v3", by=5, ago_ms=DAYS_7_MS - HOUR_MS)
        watch("v7", by=2)
        assert items(api.get("popular", period="6h"))[0] == "v7"
        assert items(api.get("popular", period="ever"))[0] == "v3"

    def test_removed_content_is_gone_at_once(self, api: Any) -> None:
        make_world()
        watch("v3", by=5)
        set_status(["v3"], Content.Status.REMOVED, now_ms=now_ms())
        assert items(api.get("popular")) == []

    def test_viewer_does_not_get_what_they_met(self, api: Any) -> None:
        make_world()
        watch("v3", by=5)
        watch("v7", by=2, start=100)
        assert items(api.get("popular", user_id="u0")) == ["v7"]

    def test_asking_makes_no_viewer_known(self, api: Any) -> None:
        make_world()
        watch("v3", by=5)
        assert items(api.get("popular", user_id="never-seen")) == ["v3"]
        assert not viewer_keys(["never-seen"])

    def test_unknown_period_is_refused_by_name(self, api: Any) -> None:
        answer = api.get("popular", period="2h")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "period"


@committed
class TestTrending:
    def test_riser_beats_what_was_always_popular(self, api: Any) -> None:
        make_world()
        for days in range(1, 7):
            watch("v1", by=10, ago_ms=days * 24 * HOUR_MS, start=100 * days)
        watch("v1", by=6, start=1000)
        watch("v2", by=6, start=2000)
        assert items(api.get("trending"))[0] == "v2"

    def test_nothing_trends_without_events(self, api: Any) -> None:
        make_world()
        assert items(api.get("trending")) == []


class TestSimilar:
    def test_shared_tags_and_sound_make_a_new_upload_similar(self, api: Any) -> None:
        for content_id, tags in (("a", ["cat", "cute"]), ("b", ["cat", "cute"]), ("c", ["car"])):
            make_content(content_id, f"by-{content_id}", now_ms=now_ms() - 1000, tags=tags)
        assert items(api.get("content/a/similar")) == ["b"]

    def test_content_is_not_similar_to_itself(self, api: Any) -> None:
        make_content("a", now_ms=now_ms() - 1000, category="x")
        make_content("b", now_ms=now_ms() - 1000, category="x")
        assert items(api.get("content/a/similar")) == ["b"]

    def test_unknown_content_is_404(self, api: Any) -> None:
        answer = api.get("content/nope/similar")
        assert (answer.status_code, answer.json()["type"]) == (404, answer.json()["type"])
        assert "nope" in answer.json()["detail"]


class TestRestrictions:
    def test_feed_holds_what_meets_the_conditions_only(self, api: Any) -> None:
        for i in range(20):
            make_content(
                f"v{i}", f"c{i}", now_ms=now_ms() - 1000, category="ab"[i % 2], duration=10 + i
            )
        page = items(
            api.get("feed", user_id="alice", category="a", max_duration=20, exclude="v0,v2,ghost")
        )
        assert sorted(page) == sorted(["v4", "v6", "v8", "v10"])

    def test_rare_category_fills_the_page(self, api: Any) -> None:
        make_contents(30, now_ms=now_ms() - 1000)
        make_content("rare", now_ms=now_ms() - 30 * 24 * HOUR_MS, category="rare")
        assert items(api.get("feed", user_id="alice", category="rare")) == ["rare"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("min_duration", "-1"),
            ("max_age_hours", "soon"),
            ("exclude", ",".join(f"v{i}" for i in range(201))),
            ("category", ",".join(f"c{i}" for i in range(21))),
            ("nonsense", "1"),
        ],
    )
    def test_wrong_parameter_is_refused_by_name(self, name: str, value: str, api: Any) -> None:
        answer = api.get("popular", **{name: value})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == name


class TestRules:
    def make(self, **given: Any) -> Rule:
        rule = Rule(**{"name": "r", **given})
        rule.full_clean()
        rule.save()
        return rule

    def test_pin_is_the_first_of_the_scroll_and_says_so(self, api: Any) -> None:
        make_world()
        self.make(effect="pin", content=Content.objects.get(content_id="v5"))
        first = api.get("feed", user_id="alice").json()["items"][0]
        assert (first["content_id"], first["source"]) == ("v5", "editorial")
        assert first["reason"] == "Picked by the editors"

    def test_pinned_content_is_pinned_until_it_was_met(self, api: Any) -> None:
        make_world()
        self.make(effect="pin", content=Content.objects.get(content_id="v5"))
        send(make_event(content_id="v5", at_ms=now_ms(), watch_duration=3), now_ms=now_ms())
        assert "v5" not in items(api.get("feed", user_id="alice"))

    @pytest.mark.usefixtures("still")
    def test_boost_brings_a_category_up(self, api: Any) -> None:
        for i in range(6):
            make_content(
                f"v{i}", f"c{i}", now_ms=now_ms() - 1000 * i, category="good" if i > 3 else "other"
            )
        before = items(api.get("feed", user_id="alice"))
        self.make(effect="weight", factor=50, category="good")
        after = items(api.get("feed", user_id="carol"))
        assert set(before[:2]) != {"v4", "v5"}
        assert after[0] in {"v4", "v5"}

    def test_excluded_category_is_in_no_feed(self, api: Any) -> None:
        make_content("a", now_ms=now_ms() - 1000, category="bad")
        make_content("b", now_ms=now_ms() - 1000, category="good")
        self.make(effect="exclude", category="bad")
        assert items(api.get("feed", user_id="alice")) == ["b"]

    def test_rule_ends_with_its_time(self, api: Any) -> None:
        make_content("a", now_ms=now_ms() - 1000, category="bad")
        self.make(effect="exclude", category="bad", ends_at=timezone.now() - timedelta(minutes=1))
        assert items(api.get("feed", user_id="alice")) == ["a"]

    @pytest.mark.parametrize(
        "given",
        [
            {"effect": "pin"},
            {"effect": "exclude"},
            {"factor": 0},
            {"factor": 101},
            {"starts_at": to_datetime(2000), "ends_at": to_datetime(1000)},
        ],
        ids=["pin of nothing", "exclusion of everything", "zero", "too much", "ends early"],
    )
    def test_senseless_rule_is_refused(self, given: dict[str, Any], db: None) -> None:
        with pytest.raises(ValidationError):
            Rule(**{"name": "r", **given}).full_clean()

    def test_admin_lists_adds_and_switches_rules(self, admin_client: Any) -> None:
        made = admin_client.post(
            "/admin/candidates/rule/add/",
            {
                "name": "less ads",
                "effect": "weight",
                "factor": "0.5",
                "position": "0",
                "is_active": "on",
                "category": "ads",
            },
        )
        assert made.status_code == 302
        rule = Rule.objects.get()
        admin_client.post(
            "/admin/candidates/rule/",
            {"action": "switch_off", "_selected_action": [rule.pk]},
        )
        assert not Rule.objects.get().is_active
        assert b"less ads" in admin_client.get("/admin/candidates/rule/").content
