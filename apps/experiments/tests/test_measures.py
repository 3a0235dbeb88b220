"""Totals of viewers against a hand-worked log."""

from __future__ import annotations

import numpy as np
import pytest

from apps.content.tests.factories import DAY_MS, HOUR_MS, NOW_MS, make_content
from apps.events.tests.factories import make_event, send
from apps.events.types import DEVICES
from apps.experiments.conf import PRE_PERIOD_MS
from apps.experiments.measures import totals
from apps.profiles.services import ensure_viewers

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys() -> dict[str, int]:
    make_content("v1", duration=10.0, now_ms=NOW_MS - 30 * DAY_MS)
    make_content("v2", duration=60.0, now_ms=NOW_MS - 30 * DAY_MS)
    return ensure_viewers(["alice", "bob"])


def of_alice(keys: dict[str, int], first_ms: int, until_ms: int) -> tuple[dict, dict]:
    found = totals(np.array([keys["alice"]]), np.array([first_ms]), until_ms=until_ms)
    return (
        {name: float(values[0]) for name, values in found.since.items()},
        {name: float(values[0]) for name, values in found.before.items()},
    )


def test_every_total_is_that_of_the_hand(keys: dict[str, int]) -> None:
    first_ms = NOW_MS - 3 * DAY_MS
    send(
        make_event("view", first_ms - HOUR_MS, watch_duration=7.0, event_id="pre"),
        make_event("view", first_ms, watch_duration=10.0, event_id="a"),  # long: to the end
        make_event("view", first_ms + 1, content_id="v2", watch_duration=17.9, event_id="b"),
        make_event(
            "view", first_ms + 2 * DAY_MS, content_id="v2", watch_duration=18.0, event_id="c"
        ),
        make_event("like", first_ms + 2, event_id="d"),
        make_event("like", first_ms + 3, content_id="v2", event_id="e"),
        make_event("unlike", first_ms + 4, content_id="v2", event_id="f"),
        make_event("skip", first_ms + 5, event_id="g"),
        make_event("report", first_ms + 6, event_id="h", reason="spam"),
        make_event("view", first_ms + 7, user_id="bob", watch_duration=9.0, event_id="bobs"),
    )
    since, before = of_alice(keys, first_ms, NOW_MS)
    assert since == pytest.approx(
        {
            "watch_seconds": 45.9,
            "views": 3,
            "long_views": 2,
            "likes": 1,
            "skips": 1,
            "reports": 1,
            "hides": 0,
            "active_days": 2,
            "returned": 1,
        }
    )
    assert before["watch_seconds"] == 7
    assert before["views"] == before["active_days"] == 1


def test_what_is_too_old_or_after_the_end_does_not_count(keys: dict[str, int]) -> None:
    first_ms = NOW_MS - 3 * DAY_MS
    send(
        make_event("view", first_ms - PRE_PERIOD_MS - 1, event_id="old"),
        make_event("view", NOW_MS - 1, event_id="late"),
        may_backfill=True,
    )
    since, before = of_alice(keys, first_ms, NOW_MS - 1)
    assert since["views"] == before["views"] == 0


def test_viewer_without_events_counts_as_zero(keys: dict[str, int]) -> None:
    viewers = np.array(sorted(keys.values()))
    found = totals(viewers, np.full(2, NOW_MS), until_ms=NOW_MS + 1)
    assert all(values.tolist() == [0, 0] for values in found.since.values())


def test_device_is_the_earliest_known_one_of_the_time_that_counts(keys: dict[str, int]) -> None:
    first_ms = NOW_MS - 3 * DAY_MS
    send(
        make_event("view", first_ms - PRE_PERIOD_MS - 1, event_id="old", context={"device": "tv"}),
        make_event("view", first_ms - HOUR_MS, event_id="none"),
        make_event("view", first_ms - 1, event_id="pre", context={"device": "ios"}),
        make_event("view", first_ms + 1, event_id="a", context={"device": "web"}),
        make_event("view", first_ms + 2, event_id="b", context={"device": "web"}),
        make_event("view", first_ms, user_id="bob", event_id="c"),
        may_backfill=True,
    )
    viewers = np.array(sorted(keys.values()))
    found = totals(viewers, np.full(2, first_ms), until_ms=NOW_MS)
    devices = dict(zip(viewers.tolist(), found.device.tolist(), strict=True))
    assert [DEVICES[devices[keys[name]]] for name in ("alice", "bob")] == ["ios", ""]


def test_nobody_has_no_totals() -> None:
    found = totals(np.empty(0, np.int64), np.empty(0, np.int64), until_ms=NOW_MS)
    assert {len(values) for values in found.since.values()} == {0}
