"""KPIs by hand: five viewers, six days, every number worked out on paper."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.tests.factories import make_content
from apps.events.tests.factories import make_event
from apps.features.models import Watermark
from apps.insights import selectors
from apps.insights.conf import BOT_VIEWS
from apps.insights.counting import CONSUMER
from apps.insights.days import start_ms
from apps.insights.kpis import KPIS
from apps.insights.models import ViewerDay
from apps.insights.tests.factories import TODAY, on_day, take_in
from apps.profiles.models import Viewer
from apps.profiles.services import ensure_viewers

# Committed: on PostgreSQL a consumer sees no event of a transaction that is still running.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _contents() -> None:
    for content_id, creator_id in (("v1", "bob"), ("v2", "eve")):
        make_content(content_id, creator_id, duration=20.0, now_ms=on_day(10))
    make_content("long", "bob", duration=100.0, now_ms=on_day(10))


def view(user: str, days_ago: int, second: int = 0, watch: float = 10.0, **given: Any) -> Any:
    return make_event(at_ms=on_day(days_ago, second), user_id=user, watch_duration=watch, **given)


def value(name: str, days_ago: int, segment: str = "all") -> float | None:
    day = TODAY - days_ago
    return selectors.kpi_series(KPIS[name], day, day, segment)[0].value


def until(days_ago: int) -> None:
    """Pretend that everything up to the end of that day has been counted, and no more."""
    Watermark.objects.filter(consumer=CONSUMER).update(caught_up_ms=start_ms(TODAY - days_ago + 1))


class TestRetention:
    """Day 5 ago: alice, bob, carol, dave. Day 4 ago: alice, bob, erin. Day 3 ago: alice, erin."""

    @pytest.fixture(autouse=True)
    def _log(self) -> None:
        there = {5: ["alice", "ben", "carol", "dave"], 4: ["alice", "ben", "erin"]}
        there[3] = ["alice", "erin"]
        take_in(*(view(user, ago) for ago, users in there.items() for user in users))
        until(3)

    def test_retention_of_a_day_is_the_share_of_its_viewers_who_came_again(self) -> None:
        # day 1: {alice, ben} of 4; {alice, erin} of 3
        assert value("retention_1", 5) == pytest.approx(2 / 4)
        assert value("retention_1", 4) == pytest.approx(2 / 3)

    def test_new_viewers_are_followed_from_their_first_day_only(self) -> None:
        assert value("new_retention_1", 5) == pytest.approx(2 / 4)  # all four were new
        assert value("new_retention_1", 4) == pytest.approx(1 / 1)  # erin

    def test_a_day_that_is_not_over_is_empty_and_not_zero(self) -> None:
        (newest, middle, oldest) = selectors.retention(TODAY - 5, TODAY - 3)
        assert oldest.shares[:4] == [1.0, pytest.approx(2 / 4), pytest.approx(1 / 4), None]
        assert middle.shares[:3] == [1.0, pytest.approx(2 / 3), None]
        assert newest.shares[:2] == [1.0, None]
        assert value("retention_1", 3) is None

    def test_active_viewers_of_day_week_and_month(self) -> None:
        assert [value("dau", ago) for ago in (5, 4, 3)] == [4, 3, 2]
        assert [value("wau", ago) for ago in (5, 4, 3)] == [4, 5, 5]
        assert value("stickiness", 3) == pytest.approx(2 / 5)

    def test_a_late_event_moves_a_first_day_and_its_cohort(self) -> None:
        take_in(view("erin", 5))
        until(3)
        assert value("new_retention_1", 4) is None  # nobody is new there any more
        assert value("retention_1", 5) == pytest.approx(3 / 5)
        assert value("dau", 4, "viewers:returning") == 3


class TestTime:
    def test_two_devices_at_once_count_once_and_a_pause_ends_a_session(self) -> None:
        # alice: [0, 60] and [30, 100] are one session of 100 s; after an hour one of 20 s.
        take_in(
            view("alice", 2, 0, 60, content_id="long", event_id="a"),
            view("alice", 2, 30, 70, content_id="long", event_id="b"),
            view("alice", 2, 3700, 20),
            view("ben", 2, 0, 30),
        )
        assert value("sessions", 2) == 3
        assert value("session_mean", 2) == pytest.approx((100 + 20 + 30) / 3 / 60)
        assert value("session_median", 2) == pytest.approx(30 / 60)
        # p90 of 20, 30, 100 lies at 1.8 of the way 0…2: 30 + 0.8 · 70
        assert value("session_p90", 2) == pytest.approx(86 / 60)
        assert value("time_per_viewer", 2) == pytest.approx(150 / 2 / 60)
        assert value("watch_per_viewer", 2) == pytest.approx((60 + 70 + 20 + 30) / 2 / 60)

    def test_who_watches_more_than_two_hours_over_uses(self) -> None:
        long = [view("alice", 2, i * 60, 29.0, event_id=f"e{i}") for i in range(249)]
        take_in(*long, view("ben", 2))  # 249 · 29 s = 2 h 21 s
        assert value("over_use", 2) == pytest.approx(1 / 2)

    def test_night_is_by_the_viewers_clock_and_minors_are_told_apart(self) -> None:
        ensure_viewers(["kim"])
        Viewer.objects.update(age_group="13-17")
        # noon UTC is 23:00 at UTC+11 (Magadan) and 21:00 at UTC+9 (Tokyo)
        take_in(
            view("kim", 2, 0, 18, context={"timezone": "Asia/Magadan"}),
            view("ben", 2, 0, 6, context={"timezone": "Asia/Tokyo"}),
        )
        assert value("night_share", 2) == pytest.approx(18 / 24)
        assert value("minors_night", 2) == pytest.approx(18 / 60)
        assert value("dau", 2, "age:13-17") == 1


class TestDevices:
    def test_a_viewer_belongs_to_the_device_of_most_of_their_events(self) -> None:
        on = {name: {"context": {"device": name}} for name in ("ios", "web", "tv")}
        take_in(
            view("alice", 2, 0, 10, **on["web"]),
            view("alice", 2, 60, 20, **on["ios"]),
            view("alice", 2, 120, 30, **on["ios"]),
            view("ben", 2, 0, 6, **on["web"]),  # one each: the first of the list of devices
            view("ben", 2, 60, 6, **on["tv"]),
            view("carol", 2, 0, 5),
        )
        assert value("dau", 2) == 3
        assert value("dau", 2, "device:ios") == value("dau", 2, "device:web") == 1
        assert value("watch_per_viewer", 2, "device:ios") == pytest.approx((10 + 20 + 30) / 60)
        assert value("ctr", 2, "device:web") == 0
        assert "device:tv" not in selectors.segments(TODAY - 2, TODAY)

    def test_who_had_a_device_is_followed_on_whichever_they_come_again(self) -> None:
        ios, web = ({"context": {"device": name}} for name in ("ios", "web"))
        take_in(
            view("alice", 3, **ios),
            view("alice", 2, **web),
            view("ben", 3, **ios),
            view("carol", 4, **ios),
            view("carol", 3, **web),
        )
        assert value("retention_1", 3, "device:ios") == 1 / 2  # alice, not ben
        assert value("retention_1", 3, "device:web") == 0
        assert value("retention_1", 4, "device:ios") == 1
        assert value("new_retention_1", 3, "device:ios") == 1 / 2
        assert value("new_viewers", 3, "device:ios") == 2
        assert value("wau", 3, "device:ios") == 3  # carol had it the day before
        assert value("wau", 2, "device:web") == 2
        assert value("stickiness", 3, "device:ios") == 2 / 3


class TestEngagement:
    def test_rates_are_per_view_and_a_click_is_seven_seconds(self) -> None:
        take_in(
            view("alice", 1, 0, 6.9),
            view("alice", 1, 10, 7.0),
            view("ben", 1, 0, 20.0),
            view("ben", 1, 30, 19.0),
            make_event("like", on_day(1, 60), user_id="ben"),
            make_event("share", on_day(1, 61), user_id="ben"),
            make_event("skip", on_day(1, 62)),
            make_event("report", on_day(1, 63), reason="spam"),
        )
        assert value("ctr", 1) == pytest.approx(3 / 4)
        assert value("completion_rate", 1) == pytest.approx(1 / 4)  # 19 s are 95 %
        assert value("long_view_rate", 1) == pytest.approx(2 / 4)  # 18 s or the end
        assert value("engagement_rate", 1) == pytest.approx(2 / 4)
        assert value("skip_rate", 1) == pytest.approx(1 / 4)
        assert value("report_rate", 1) == pytest.approx(1000 / 4)

    def test_own_contents_and_bots_are_left_out(self) -> None:
        take_in(view("bob", 1), view("alice", 1))  # v1 is bob's
        assert value("dau", 1) == 1
        assert value("coverage", 1) == pytest.approx(1 / 3)
        ViewerDay.objects.update(views=BOT_VIEWS + 1)
        take_in(view("ben", 1, 5, content_id="v2"))
        assert value("dau", 1) == 1  # ben; alice is a bot now
        assert value("views_per_viewer", 1) == 1
        assert value("new_creator_share", 1) == 1
        assert value("creator_gini", 1) == pytest.approx(0.5)  # eve 1, bob 0

    def test_no_view_gives_no_rate(self) -> None:
        take_in(make_event("follow", on_day(1), content_id=None, creator_id="bob"))
        assert value("dau", 1) == 1
        assert value("ctr", 1) is None
        assert value("session_median", 1) == 0
        assert value("freshness", 1) is None


def test_freshness_is_the_mean_age_of_what_is_watched() -> None:
    make_content("old", "eve", now_ms=on_day(3))
    take_in(view("alice", 1, 0, content_id="old"), view("alice", 1, 1800, content_id="old"))
    assert value("freshness", 1) == pytest.approx(48 + 0.25)


def test_segments_partition_the_viewers_of_a_day() -> None:
    take_in(view("alice", 3), view("alice", 2), view("ben", 2))
    assert value("dau", 2, "viewers:new") == 1
    assert value("dau", 2, "viewers:returning") == 1
    assert value("wau", 2, "viewers:new") == 2
    for name, segment in (("stickiness", "viewers:new"), ("coverage", "viewers:new")):
        with pytest.raises(selectors.UnknownSegmentError):
            selectors.kpi_series(KPIS[name], TODAY, TODAY, segment)
