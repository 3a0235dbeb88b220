"""Training from the database: one at a time, and never from too little."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_content
from apps.core.leases import lease
from apps.core.models import Artifact
from apps.events.models import Event
from apps.events.types import EventType
from apps.learning.bundle import FAMILY
from apps.learning.conf import TrainingParams
from apps.learning.services import (
    MIN_VIEWS,
    TrainingError,
    is_outgrown,
    train_and_publish,
    tune_and_store,
)
from apps.profiles.models import Viewer
from apps.profiles.services import ensure_viewers

pytestmark = pytest.mark.django_db


def train() -> Artifact:
    return train_and_publish(TrainingParams(), say=lambda _: None)


def test_second_training_at_once_is_refused() -> None:
    with lease("train") as is_mine:
        assert is_mine
        with pytest.raises(TrainingError, match="another training is running"):
            train()


def test_too_few_views_are_refused_and_the_lease_is_given_back() -> None:
    for _ in range(2):
        with pytest.raises(TrainingError, match="0 views"):
            train()
    assert not Artifact.objects.exists()


def test_search_and_training_exclude_each_other() -> None:
    with lease("train"), pytest.raises(TrainingError, match="a training is running"):
        tune_and_store(n_trials=0, say=lambda _: None)


def test_search_needs_views_to_judge_by() -> None:
    with pytest.raises(TrainingError, match="0 views"):
        tune_and_store(n_trials=0, say=lambda _: None)


class TestOutgrown:
    def test_first_training_waits_for_enough_views(self) -> None:
        make_events(MIN_VIEWS - 1)
        assert not is_outgrown()
        make_events(1)
        assert is_outgrown()

    def test_views_of_who_refused_personalization_are_not_waited_for(self) -> None:
        make_events(MIN_VIEWS)
        Viewer.objects.update(personalization=False)
        assert not is_outgrown()
        with pytest.raises(TrainingError, match="0 views"):
            train()

    def test_further_trainings_wait_until_what_is_learned_from_has_grown_by_half(self) -> None:
        # 150 to learn from, and a tenth beside them to judge by: 150 / .9 = 166.7.
        make_events(166)
        make_artifact(manifest={"n_events": 100})
        assert not is_outgrown()
        make_events(1)
        assert is_outgrown()

    def test_latest_training_counts_whether_it_serves_or_not(self) -> None:
        make_events(170)
        make_artifact(manifest={"n_events": 100})
        make_artifact(manifest={"n_events": 150})
        assert not is_outgrown()

    def test_long_log_is_left_to_the_nights(self) -> None:
        make_artifact(manifest={"n_events": 10_000_000})
        assert not is_outgrown()


def make_events(n: int) -> None:
    content = Content.objects.first() or make_content()
    viewer = ensure_viewers(["alice"])["alice"]
    Event.objects.bulk_create(
        Event(
            event_key=uuid4(),
            viewer_id=viewer,
            content=content,
            kind=EventType.VIEW,
            occurred_ms=NOW_MS,
            received_ms=NOW_MS,
        )
        for _ in range(n)
    )


def make_artifact(*, manifest: dict[str, int]) -> Artifact:
    return Artifact.objects.create(family=FAMILY, uuid=uuid4(), manifest=manifest)
