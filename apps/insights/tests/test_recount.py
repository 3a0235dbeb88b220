"""Totals equal an independent recount in SQL, whatever the order, parts and repetition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.db import connection

from apps.content.tests.factories import DAY_MS, make_contents
from apps.core.clock import HOUR_MS
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.events.types import DEVICES
from apps.features.models import Session, Watermark
from apps.features.services import rebuild
from apps.insights import selectors
from apps.insights.coming_again import write_cohorts
from apps.insights.counting import CONSUMER
from apps.insights.models import ContentDay, DayCohorts, DayTotals, FirstDay, Pulse, ViewerDay
from apps.insights.services import roll_up
from apps.insights.tests.factories import TODAY, on_day, take_in
from apps.insights.totals import ALL, NEW, RETURNING
from apps.profiles.models import Viewer

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ["view"] * 8 + ["like", "comment", "share", "save", "skip", "hide", "report", "replay"]


def random_events(n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return n events of nine viewers about twelve contents over six days."""
    rng = np.random.default_rng(seed)
    make_contents(12, creators=4, now_ms=on_day(9))
    events = []
    for i in range(n):
        kind = str(rng.choice(KINDS))
        at_ms = on_day(7) + int(rng.integers(0, 6 * DAY_MS))
        watch = round(float(rng.uniform(0, 28)), 3) if kind == "view" else None
        events.append(
            make_event(
                kind,
                at_ms,
                event_id=f"e{i}",
                user_id=f"u{rng.integers(0, 9)}",
                content_id=f"v{rng.integers(0, 12)}",
                watch_duration=watch if rng.random() > 0.1 else None,
                reason="spam" if kind == "report" else None,
                context={"device": str(rng.choice(["ios", "web", "tv"]))} if i % 3 else None,
            )
        )
    return events


def recount(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()]


def stored() -> dict[str, list[Any]]:
    """Return all that is kept, without the rows' own keys."""
    tables = (ViewerDay, ContentDay, Pulse, DayTotals, DayCohorts)
    return {
        model.__name__: sorted(
            (
                tuple(str(row[name]) for name in sorted(row) if name != "id")
                for row in model.objects.values()
            ),
        )
        for model in tables
    }


def test_totals_equal_a_recount_in_sql() -> None:
    take_in(*random_events(900))
    day = f"occurred_ms / {DAY_MS}"
    sums = ", ".join(
        f"SUM(CASE WHEN kind = {kind} THEN 1 ELSE 0 END)" for kind in (1, 4, 6, 7, 8, 11, 12, 13)
    )
    told = recount(
        f"SELECT {day}, COUNT(DISTINCT viewer_id), COUNT(*), {sums},"
        " SUM(CASE WHEN kind = 1 AND watch_seconds >= 7 THEN 1 ELSE 0 END),"
        " SUM(CASE WHEN kind = 1 AND watch_seconds >= 19.4 THEN 1 ELSE 0 END),"
        f" COUNT(DISTINCT CASE WHEN kind = 1 THEN content_id END)"
        f" FROM events_event GROUP BY {day} ORDER BY 1"
    )
    names = ("viewers", "events", "views", "likes", "comments", "shares", "saves", "skips")
    names += ("hides", "reports", "clicks", "completes", "contents_viewed")

    by_day = selectors.day_totals(TODAY - 9, TODAY)

    assert len(told) >= 6
    assert [(d, *(by_day[d][name] for name in names)) for d in sorted(by_day)] == [
        tuple(int(v) for v in row) for row in told
    ]


MAIN_DEVICES = (
    "(SELECT day, viewer_id, device FROM (SELECT day, viewer_id, device, ROW_NUMBER() OVER"
    " (PARTITION BY day, viewer_id ORDER BY n DESC, device) AS place FROM (SELECT"
    f" occurred_ms / {DAY_MS} AS day, viewer_id, device, COUNT(*) AS n FROM events_event"
    " WHERE device > 0 GROUP BY 1, 2, 3) a) b WHERE place = 1)"
)


def test_devices_equal_a_recount_in_sql() -> None:
    take_in(*random_events(900, seed=8))
    told = recount(f"SELECT day, device, COUNT(*) FROM {MAIN_DEVICES} m GROUP BY 1, 2")
    kept = {
        (row.day, row.segment): row.totals["viewers"]
        for row in DayTotals.objects.filter(segment__startswith="device:")
    }
    assert kept == {(day, f"device:{DEVICES[code]}"): n for day, code, n in told}


def test_watch_time_and_cohorts_equal_a_recount_in_sql() -> None:
    take_in(*random_events(700, seed=1))
    day = f"occurred_ms / {DAY_MS}"
    seconds = dict(
        recount(
            f"SELECT {day}, SUM(CASE WHEN kind = 1 THEN watch_seconds ELSE 0 END)"
            f" FROM events_event GROUP BY {day}"
        )
    )
    active = f"(SELECT DISTINCT {day} AS day, viewer_id FROM events_event)"
    pairs = recount(
        f"SELECT a.day, b.day - a.day, COUNT(*) FROM {active} a"
        f" JOIN {active} b ON a.viewer_id = b.viewer_id AND b.day >= a.day GROUP BY 1, 2"
    )

    by_day = selectors.day_totals(TODAY - 9, TODAY)
    kept = {row.day: row for row in DayCohorts.objects.filter(segment=ALL)}

    assert {d: t["watch_ms"] / 1000 for d, t in by_day.items()} == pytest.approx(seconds, abs=0.01)
    assert {(d, n): kept[d].returned[n] for d, n, _ in pairs} == {(d, n): c for d, n, c in pairs}
    assert sum(sum(row.returned) for row in kept.values()) == sum(c for _, _, c in pairs)


def test_cohorts_of_segments_equal_a_recount_in_sql() -> None:
    take_in(*random_events(700, seed=6))
    Viewer.objects.filter(pk__in=[v.pk for v in Viewer.objects.all()[::2]]).update(language="en")
    write_cohorts(sorted(ViewerDay.objects.values_list("day", flat=True).distinct()))
    day = f"e.occurred_ms / {DAY_MS}"
    active = (
        f"(SELECT DISTINCT {day} AS day, viewer_id FROM events_event e JOIN profiles_viewer v"
        " ON v.id = viewer_id WHERE v.language = 'en')"
    )
    pairs = recount(
        f"SELECT a.day, b.day - a.day, COUNT(*) FROM {active} a"
        f" JOIN {active} b ON a.viewer_id = b.viewer_id AND b.day >= a.day GROUP BY 1, 2"
    )
    weeks = recount(
        f"SELECT d.day, COUNT(DISTINCT a.viewer_id) FROM {active} a JOIN (SELECT DISTINCT day FROM"
        f" {active} x) d ON a.day > d.day - 7 AND a.day <= d.day GROUP BY 1"
    )

    kept = {row.day: row for row in DayCohorts.objects.filter(segment="language:en")}

    assert pairs
    assert {(d, n): kept[d].returned[n] for d, n, _ in pairs} == {(d, n): c for d, n, c in pairs}
    assert {d: kept[d].weekly for d, _ in weeks} == dict(weeks)


def test_cohorts_of_devices_equal_a_recount_in_sql() -> None:
    take_in(*random_events(300, seed=9))
    active = f"(SELECT DISTINCT occurred_ms / {DAY_MS} AS day, viewer_id FROM events_event)"
    pairs = recount(
        f"SELECT m.device, m.day, b.day - m.day, COUNT(*) FROM {MAIN_DEVICES} m"
        f" JOIN {active} b ON m.viewer_id = b.viewer_id AND b.day >= m.day GROUP BY 1, 2, 3"
    )
    weeks = recount(
        f"SELECT m.device, d.day, COUNT(DISTINCT m.viewer_id) FROM {MAIN_DEVICES} m JOIN (SELECT"
        f" DISTINCT day FROM {active} x) d ON m.day > d.day - 7 AND m.day <= d.day GROUP BY 1, 2"
    )

    kept = {(row.segment, row.day): row for row in DayCohorts.objects.all()}
    of_devices = {key: row for key, row in kept.items() if key[0].startswith("device:")}

    returned = {
        (segment, day, n): count
        for (segment, day), row in of_devices.items()
        for n, count in enumerate(row.returned)
        if count
    }
    assert returned == {(f"device:{DEVICES[code]}", d, n): c for code, d, n, c in pairs}
    weekly = {key: row.weekly for key, row in of_devices.items()}
    assert weekly == {(f"device:{DEVICES[code]}", d): c for code, d, c in weeks}


def test_new_and_returning_viewers_are_all_of_them() -> None:
    take_in(*random_events(700, seed=7))
    kept = {(row.segment, row.day): row for row in DayCohorts.objects.all()}
    for name in ("active", "weekly", "monthly"):
        for (segment, day), row in kept.items():
            if segment == ALL:
                parts = [kept[key] for key in ((NEW, day), (RETURNING, day)) if key in kept]
                assert getattr(row, name) == sum(getattr(part, name) for part in parts), name
    assert sum(row.active for (segment, _), row in kept.items() if segment == RETURNING) > 0


def test_any_order_parts_and_repetition_give_the_same_rows() -> None:
    events = random_events(300, seed=2)
    take_in(*events)
    roll_up()
    at_once = stored()
    for model in (ViewerDay, ContentDay, Pulse, DayTotals, DayCohorts):
        model.objects.all().delete()
    for kept in (Event, Session, FirstDay, Watermark):
        kept.objects.all().delete()
    shuffled = [events[i] for i in np.random.default_rng(3).permutation(len(events))]

    for part in range(0, len(shuffled), 60):
        take_in(*shuffled[part : part + 60], *shuffled[: part // 2])

    assert stored() == at_once


def test_rebuild_finds_and_repairs_what_is_wrong() -> None:
    take_in(*random_events(200, seed=4))
    right = stored()
    assert {c.differing for c in rebuild(check=True)} == {0}
    ViewerDay.objects.filter(day=TODAY - 5).update(views=77)
    Pulse.objects.all().delete()

    wrong = {c.aggregate: c.differing for c in rebuild(check=False)}
    roll_up()

    assert wrong["insights.viewerday"] > 0
    assert wrong["insights.pulse"] == len(right["Pulse"])
    assert wrong["insights.contentday"] == 0
    assert stored() == right


def test_totals_wait_for_the_sessions() -> None:
    make_contents(1, now_ms=on_day(9))
    send(make_event(at_ms=on_day(1), content_id="v0"), now_ms=on_day(0), may_backfill=True)
    assert roll_up() == []
    assert selectors.latest_day() is None
    take_in(make_event(at_ms=on_day(1) + HOUR_MS, content_id="v0"))
    assert selectors.day_totals(TODAY - 1, TODAY - 1)[TODAY - 1]["sessions"] == 2
    assert Watermark.objects.filter(consumer=CONSUMER).exists()
