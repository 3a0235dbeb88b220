"""Candidates beside what serves, and experiments that have said something."""

from __future__ import annotations

from collections.abc import Callable

from apps.content.tests.factories import make_content
from apps.core import artifacts
from apps.core.models import Artifact
from apps.core.tests.test_artifacts import make_artifact
from apps.events.models import Event
from apps.events.types import EventType
from apps.experiments.models import Experiment, Exposure
from apps.experiments.services import judge
from apps.learning.bundle import FAMILY
from apps.learning.conf import RolloutParams
from apps.profiles.pseudonyms import pseudonym
from apps.profiles.services import ensure_viewers

NOW_MS = 1_767_225_600_000
HOUR_MS = 3_600_000
PARAMS = RolloutParams(shadow_share=1.0, step_ms=HOUR_MS, holdback_ms=2 * HOUR_MS)
PASSED = [{"gate": "sanity", "state": "passed", "reason": "", "numbers": {}}]


def make_candidate(*, recipe: str = "old") -> tuple[Artifact, Artifact]:
    """Return a version that serves and a candidate that the offline gates have passed.

    What serves comes of the recipe `old`: so the candidate is a refresh, by another one a change.
    """
    production, candidate = (make_artifact(family=FAMILY) for _ in range(2))
    artifacts.promote_artifact(production)
    artifacts.name_candidate(candidate)
    for artifact, name in ((production, "old"), (candidate, recipe)):
        facts = {**artifact.manifest, "recipe": name}
        Artifact.objects.filter(pk=artifact.pk).update(gates=PASSED, manifest=facts)
        artifact.refresh_from_db()
    return production, candidate


def watched(
    experiment: Experiment | None, seconds: Callable[[int, int], float], *, n: int = 150
) -> None:
    """Let n viewers a variant watch once, `seconds(variant, i)` each, and judge by that."""
    assert experiment is not None
    keys = list(ensure_viewers([f"{experiment.key}-{i}" for i in range(2 * n)]).values())
    content, start = make_content("v1"), Event.objects.count()
    for position, variant in enumerate(experiment.variants.order_by("position")):
        mine = keys[position::2]
        Exposure.objects.bulk_create(
            Exposure(experiment=experiment, variant=variant, viewer_id=key, first_ms=NOW_MS)
            for key in mine
        )
        Event.objects.bulk_create(
            Event(
                event_key=pseudonym(f"{start}-{position}-{i}"),
                kind=EventType.VIEW,
                viewer_id=key,
                content=content,
                occurred_ms=NOW_MS + 1000,
                received_ms=NOW_MS + 1000,
                watch_seconds=seconds(position, i),
            )
            for i, key in enumerate(mine)
        )
    judge(experiment, now_ms=NOW_MS + HOUR_MS)


def alike(position: int, i: int) -> float:
    return 20.0 + i % 3


def better(position: int, i: int) -> float:
    return alike(0, i) * (1 + position)


def worse(position: int, i: int) -> float:
    return alike(0, i) / (1 + position)
