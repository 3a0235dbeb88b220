"""From a page of the feed to a network that has learned from it, through the API."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.tests.factories import make_contents
from apps.core.clock import now_ms, to_datetime
from apps.learning.conf import OnlineParams
from apps.learning.online.loop import tick
from apps.learning.tests.online.factories import MINUTE_MS, serve_bundle

pytestmark = pytest.mark.django_db(transaction=True)
PARAMS = OnlineParams(buffer=30, batch=4, rate=0.02, floor=0.02)


def watch_and_like(api: Any, user: str) -> str:
    """Ask for a page, watch and like all of it; return who answered."""
    page = api.get("feed", user_id=user, limit=10).json()
    common = {"user_id": user, "request_id": page["request_id"]}
    common["timestamp"] = to_datetime(now_ms()).isoformat()
    events = [
        {**common, "type": kind, "content_id": item["content_id"], **given}
        for item in page["items"]
        for kind, given in (("view", {"watch_duration": 20.0}), ("like", {}))
    ]
    answer = api.post("events", {"events": events}).json()
    assert answer["accepted"] == 20, answer
    return str(page["ranker"])


def expected_likes(api: Any) -> tuple[str, float]:
    page = api.get("feed", user_id="zoe", limit=10, explain=1).json()
    likes = [item["terms"]["like"] for item in page["items"]]
    return page["ranker"], sum(likes) / len(likes)


def test_pages_that_were_liked_raise_what_the_next_page_expects(api: Any) -> None:
    now = now_ms()
    make_contents(12, now_ms=now)
    artifact = serve_bundle(until_ms=now - MINUTE_MS)
    ranker, before = expected_likes(api)
    assert ranker == f"bundle-{artifact.pk}"
    tick(now_ms=now, params=PARAMS)
    assert {watch_and_like(api, f"user{i}") for i in range(4)} == {ranker}

    step = tick(now_ms=now_ms() + 10 * MINUTE_MS + 1, params=PARAMS)

    assert step is not None
    assert (step.n_examples, step.skipped) == (40, {})
    ranker, after = expected_likes(api)
    assert ranker == f"bundle-{artifact.pk}+1"
    assert after > before
