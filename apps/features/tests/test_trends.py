"""From events to trends: buckets, bursts, forecasts, and what processes know of them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from apps.content.models import Content
from apps.content.selectors import catalog
from apps.content.tests.factories import HOUR_MS, NOW_MS, make_contents
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.features.models import Trend, TrendBucket, TrendState, Watermark
from apps.features.selectors import trends
from apps.features.tasks import trends as task
from apps.features.trends.buckets import BUCKET_MS, counts, keep_up
from apps.features.trends.detection import detect
from apps.features.trends.forecasts import forecast, is_due

# Committed: on PostgreSQL a consumer sees no event of a transaction that is still running.
pytestmark = pytest.mark.django_db(transaction=True)

FIRST = NOW_MS // BUCKET_MS * BUCKET_MS - 40 * BUCKET_MS  # of the buckets that tests fill
N_CONTENTS = 12


def like(content: int, viewer: str, bucket: int, **given: Any) -> dict[str, Any]:
    at_ms = FIRST + bucket * BUCKET_MS + 60_000
    return make_event("like", at_ms, content_id=f"v{content}", user_id=viewer, **given)


def send_all(events: list[dict[str, Any]]) -> None:
    for start in range(0, len(events), 500):
        send(*events[start : start + 500])


def ordinary(buckets: int = 36) -> list[dict[str, Any]]:
    """Return likes of two or three viewers a content and bucket."""
    rng = random.Random(0)
    return [
        like(content, f"viewer{rng.randrange(400)}", bucket)
        for bucket in range(buckets)
        for content in range(N_CONTENTS)
        for _ in range(rng.randint(2, 3))
    ]


def at_end_of(bucket: int) -> int:
    return FIRST + (bucket + 1) * BUCKET_MS + 3 * 60_000


def run(bucket: int) -> None:
    """Do what the task does at the end of a bucket."""
    keep_up(at_end_of(bucket))
    detect(at_end_of(bucket))
    if is_due():
        forecast(at_end_of(bucket))


def pk_of(content: int) -> int:
    return Content.objects.values_list("pk", flat=True).get(content_id=f"v{content}")


@pytest.fixture(autouse=True)
def _contents() -> None:
    make_contents(N_CONTENTS, now_ms=NOW_MS - 60 * HOUR_MS)


def test_content_that_many_suddenly_like_trends_until_it_is_over() -> None:
    crowd = [like(3, f"fan{i}", 36 + i // 30) for i in range(90)]
    send_all(ordinary() + crowd)
    for bucket in (35, 36):
        run(bucket)
    assert Trend.objects.get().factor > 0.5  # at once

    for bucket in (37, 38):
        run(bucket)
    found = Trend.objects.get()
    assert found.content_id == pk_of(3)
    assert found.started_ms == FIRST + 36 * BUCKET_MS
    assert found.viewers == pytest.approx(30, abs=5)  # some may share a bit of the sketch
    assert found.baseline == pytest.approx(2.5, abs=2)
    assert 0.5 < found.factor < 1
    row = catalog().rows_of(np.array([pk_of(3)]))
    assert trends().of(catalog(), row, at_end_of(38)) == pytest.approx([found.factor])

    send_all([like(content, "late", bucket) for bucket in (39, 40, 41) for content in range(12)])
    for bucket in (39, 40, 41):
        run(bucket)
    assert Trend.objects.get().factor == 0


def test_one_account_that_likes_500_times_makes_no_trend() -> None:
    send_all(ordinary() + [like(3, "mallory", 36, event_id=f"bot{i}") for i in range(500)])
    for bucket in (35, 36):
        run(bucket)

    assert not Trend.objects.exists()
    assert counts(FIRST + 36 * BUCKET_MS).engaged == pytest.approx([1], abs=0.01)


def test_buckets_are_equal_for_any_order_and_repetition() -> None:
    events = ordinary(6)
    send_all(events)
    keep_up(NOW_MS)
    rows = TrendBucket.objects.order_by("content_id", "bucket_ms")
    stored = [(r.content_id, r.bucket_ms, bytes(r.engaged)) for r in rows]
    for model in (TrendBucket, Event, Watermark):
        model.objects.all().delete()

    again = events * 2
    random.Random(1).shuffle(again)
    for start in range(0, len(again), 70):
        send(*again[start : start + 70])
        keep_up(NOW_MS)
    assert [(r.content_id, r.bucket_ms, bytes(r.engaged)) for r in rows.all()] == stored


def test_bucket_is_judged_once_and_only_when_it_is_closed() -> None:
    send_all(ordinary(3))
    keep_up(NOW_MS)
    end_ms = FIRST + 2 * BUCKET_MS

    detect(end_ms)  # its last events may still be on their way
    assert TrendState.objects.get().bucket_ms == FIRST
    detect(end_ms + 3 * 60_000)
    assert TrendState.objects.get().bucket_ms == FIRST + BUCKET_MS
    sums = bytes(TrendState.objects.get().sums)
    detect(end_ms + 4 * 60_000)
    assert bytes(TrendState.objects.get().sums) == sums


def test_views_that_our_feed_brought_are_exposures(django_assert_num_queries: Any) -> None:
    request_id = "0199aaaa-0000-7000-8000-000000000001"
    views = [
        make_event("view", FIRST + 1, user_id=f"u{i}", watch_duration=20.0, request_id=request_id)
        for i in range(9)
    ]
    elsewhere = [
        make_event("view", FIRST + 1, user_id=f"other{i}", watch_duration=20.0) for i in range(31)
    ]
    send(*views, *elsewhere)
    keep_up(NOW_MS)

    found = counts(FIRST)
    # Some viewers may share a bit of the sketch, by keys that the database gives.
    assert found.shown == pytest.approx([9], abs=3)
    assert found.engaged == pytest.approx([40], abs=6)


def test_old_events_of_an_import_are_passed_over() -> None:
    send(make_event("like", NOW_MS - 100 * HOUR_MS))
    keep_up(NOW_MS)

    assert not TrendBucket.objects.exists()


def test_task_forecasts_in_a_child_only_when_something_burst() -> None:
    task()  # nothing there: no child, no error
    assert not Trend.objects.exists()
