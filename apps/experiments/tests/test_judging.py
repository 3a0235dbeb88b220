"""Who is counted, what is stored, and what stops an experiment."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.core.leases import lease
from apps.events.models import Event
from apps.events.types import DEVICE_CODE, EventType
from apps.experiments import selectors
from apps.experiments.models import Experiment, Exposure
from apps.experiments.services import force, judge, judge_all
from apps.experiments.tests.factories import make_running
from apps.experiments.types import Report
from apps.profiles.models import Viewer
from apps.profiles.pseudonyms import pseudonym
from apps.profiles.services import ensure_viewers

pytestmark = pytest.mark.django_db

LATER = NOW_MS + DAY_MS


def expose(experiment: Experiment, n: int, *, prefix: str = "viewer") -> dict[str, list[int]]:
    """Expose n viewers, half to each variant; return their keys by variant."""
    keys = list(ensure_viewers([f"{prefix}{i}" for i in range(n)]).values())
    halves = {"control": keys[::2], "one": keys[1::2]}
    Exposure.objects.bulk_create(
        Exposure(experiment=experiment, variant=variant, viewer_id=key, first_ms=NOW_MS)
        for variant in experiment.variants.all()
        for key in halves[variant.name]
    )
    return halves


def log(viewers: list[int], kind: EventType, counts: list[int]) -> None:
    """Store so many events of each viewer, at ease with their order."""
    content = make_content("v1")
    start = Event.objects.count()
    pairs = [viewer for viewer, n in zip(viewers, counts, strict=True) for _ in range(n)]
    Event.objects.bulk_create(
        Event(
            event_key=pseudonym(f"event {start + i}"),
            kind=kind,
            viewer_id=viewer,
            content=content,
            occurred_ms=NOW_MS + 1000,
            received_ms=NOW_MS + 1000,
        )
        for i, viewer in enumerate(pairs)
    )


def stored(experiment: Experiment) -> Report:
    experiment.refresh_from_db()
    found = selectors.report_of(experiment)
    assert found is not None
    return found


def test_report_is_stored_as_it_was_made() -> None:
    experiment = make_running()
    expose(experiment, 20)
    made = judge(experiment, now_ms=LATER)
    assert stored(experiment) == made
    assert [arm.viewers for arm in made.arms] == [10, 10]


def test_who_met_two_variants_or_is_forced_is_left_out() -> None:
    experiment = make_running()
    halves = expose(experiment, 10)
    other = experiment.variants.get(name="one")
    Exposure.objects.create(
        experiment=experiment, variant=other, viewer_id=halves["control"][0], first_ms=LATER - 1
    )
    forced = Viewer.objects.get(pk=halves["one"][0])
    force(experiment, forced.pseudonym, "control")
    found = judge(experiment, now_ms=LATER)
    assert (found.crossed, found.forced) == (1, 1)
    assert [arm.viewers for arm in found.arms] == [4, 4]


def test_harm_stops_the_experiment_and_says_why() -> None:
    experiment = make_running(guardrails=["skip_rate"])
    halves = expose(experiment, 300)
    log(halves["control"] + halves["one"], EventType.VIEW, [5, 6, 7] * 100)
    log(halves["control"], EventType.SKIP, [0, 1, 1] * 50)
    log(halves["one"], EventType.SKIP, [4, 5, 6] * 50)
    assert judge_all(now_ms=LATER) == 1
    experiment.refresh_from_db()
    assert experiment.status == "stopped"
    assert experiment.stopped_ms == LATER
    assert experiment.stop_reason == "guardrail: Skips per view of one"
    assert judge_all(now_ms=LATER + 1) == 0


def test_good_news_stops_nothing() -> None:
    experiment = make_running(guardrails=["skip_rate"])
    halves = expose(experiment, 300)
    log(halves["control"] + halves["one"], EventType.VIEW, [5, 6, 7] * 100)
    log(halves["control"], EventType.SKIP, [4, 5, 6] * 50)
    judge_all(now_ms=LATER)
    experiment.refresh_from_db()
    assert experiment.status == "running"


def test_what_came_after_the_end_does_not_count() -> None:
    experiment = make_running()
    expose(experiment, 10)
    Experiment.objects.update(status="stopped", stopped_ms=NOW_MS)
    experiment.refresh_from_db()
    assert judge(experiment, now_ms=LATER).at_ms == NOW_MS


def test_devices_are_segments() -> None:
    experiment = make_running()
    halves = expose(experiment, 600)
    log(halves["control"] + halves["one"], EventType.VIEW, [5, 6, 7] * 200)
    Event.objects.update(device=DEVICE_CODE["tv"], watch_seconds=9.0)
    on_ios = halves["control"][:150] + halves["one"][:150]
    Event.objects.filter(viewer_id__in=on_ios).update(device=DEVICE_CODE["ios"])
    segments = {s.name: s.viewers for s in judge(experiment, now_ms=LATER).segments}
    assert (segments["device ios"], segments["device tv"]) == (300, 300)


def test_one_worker_judges_at_a_time() -> None:
    make_running()
    with lease("experiments") as is_held:
        assert is_held
        assert judge_all(now_ms=LATER) == 0


@pytest.mark.parametrize("n", [20, 200])
def test_number_of_queries_does_not_grow_with_the_viewers(
    n: int, django_assert_num_queries: Any
) -> None:
    experiment = make_running()
    expose(experiment, n)
    judge(experiment, now_ms=LATER)
    with django_assert_num_queries(7):
        judge(experiment, now_ms=LATER)
