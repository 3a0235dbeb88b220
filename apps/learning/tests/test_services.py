"""Training from the database: one at a time, and never from too little."""

from __future__ import annotations

import pytest

from apps.core.leases import lease
from apps.core.models import Artifact
from apps.learning.conf import TrainingParams
from apps.learning.services import TrainingError, train_and_publish, tune_and_store

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
        tune_and_store(minutes=0, say=lambda _: None)


def test_search_needs_views_to_judge_by() -> None:
    with pytest.raises(TrainingError, match="0 views"):
        tune_and_store(minutes=0, say=lambda _: None)
