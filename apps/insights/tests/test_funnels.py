"""How far one content comes with all viewers."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.tests.factories import NOW_MS, make_content
from apps.core.clock import now_ms
from apps.events.models import Slate
from apps.events.tests.factories import make_event, send
from apps.feed.services import for_user
from apps.feed.types import FeedQuery
from apps.insights import funnels
from apps.insights.services import roll_up

pytestmark = pytest.mark.django_db

SECOND = 1000


@pytest.fixture
def shown() -> Any:
    """A content of 20 seconds that alice, ben and cora were shown, now."""
    content = make_content("v1", now_ms=NOW_MS - 1, duration=20)
    for user in ("alice", "ben", "cora"):
        for_user(FeedQuery(user), now_ms=now_ms() - 10 * SECOND)
    return content


def watch(user: str, seconds: float, at_ms: int) -> None:
    event = make_event(
        "view", at_ms, user_id=user, watch_duration=seconds, event_id=f"{user}{at_ms}"
    )
    send(event, now_ms=now_ms())


def test_slots_are_followed_to_their_views(shown: Any) -> None:
    at_ms = now_ms() - 5 * SECOND
    watch("alice", 20, at_ms)  # to the end
    watch("ben", 2, at_ms)
    watch("dora", 19, at_ms)  # was not shown it by a feed
    roll_up()

    found = funnels.content_funnel(shown.pk)

    assert found.n_slates == 3
    assert not found.is_cut
    assert sum(d.shown for d in found.days) == 3
    assert sum(d.watched for d in found.days) == 2
    assert sum(d.long_views for d in found.days) == 1
    assert sum(d.completed for d in found.days) == 1


def test_view_before_the_slot_does_not_follow_from_it(shown: Any) -> None:
    watch("cora", 20, now_ms() - 60 * SECOND)
    assert sum(d.watched for d in funnels.content_funnel(shown.pk).days) == 0


def test_sample_says_how_many_were_asked_and_stores_nothing(shown: Any) -> None:
    for user in ("alice", "ben"):
        watch(user, 3, now_ms() - 5 * SECOND)
    other = make_content("v2", now_ms=NOW_MS)
    before = Slate.objects.count()

    watched, fresh = funnels.reach(shown.pk), funnels.reach(other.pk)

    assert watched is not None
    assert fresh is not None
    assert watched.sample == fresh.sample == 2
    assert dict(watched.steps)["eligible"] == 0  # both have met it
    assert fresh.steps == [("eligible", 2), ("candidate", 2), ("ranked", 2), ("shown", 2)]
    assert Slate.objects.count() == before


def test_sample_ends_in_time(shown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for user in ("alice", "ben"):
        watch(user, 3, now_ms() - 5 * SECOND)
    monkeypatch.setattr(funnels, "SECONDS", -1.0)

    found = funnels.reach(shown.pk)

    assert found is not None
    assert (found.sample, dict(found.steps)["eligible"]) == (0, 0)
