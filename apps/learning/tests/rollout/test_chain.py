"""From a candidate to what serves everybody, or back: what each look does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.core import artifacts
from apps.core.artifacts import production_artifact
from apps.core.leases import lease
from apps.core.models import Artifact, ArtifactMove
from apps.experiments.models import Experiment
from apps.learning.bundle import FAMILY
from apps.learning.models import Rollout
from apps.learning.rollout import chain, steps
from apps.learning.rollout.steps import RolloutError
from apps.learning.services import TrainingError, train_and_publish
from apps.learning.tests.factories import PARAMS as TRAINING
from apps.learning.tests.rollout.factories import (
    HOUR_MS,
    NOW_MS,
    PARAMS,
    alike,
    better,
    make_candidate,
    watched,
    worse,
)

pytestmark = pytest.mark.django_db


def tick(hours: float, *, mode: str = chain.CANARY) -> None:
    chain.tick(mode=mode, now_ms=NOW_MS + int(hours * HOUR_MS), params=PARAMS)


def rollout() -> Rollout:
    return Rollout.objects.select_related("candidate", "experiment").get()


def stage() -> tuple[str, int]:
    found = rollout()
    return found.stage, found.percent


def in_canary(*, is_automatic: bool = True, recipe: str = "old") -> Artifact:
    """Return a candidate that 5 % of the viewers are served."""
    _, candidate = make_candidate(recipe=recipe)
    steps.begin_canary(candidate, 5, PARAMS, by="ana", why="to see", now_ms=NOW_MS)
    Rollout.objects.update(is_automatic=is_automatic)
    return candidate


def moves() -> list[str]:
    return list(ArtifactMove.objects.order_by("pk").values_list("move", flat=True))


class TestBeginning:
    def test_proven_candidate_begins_in_shadow(self) -> None:
        _, candidate = make_candidate()
        tick(0)
        assert (rollout().candidate, stage()) == (candidate, ("shadow", 0))

    def test_unproven_candidate_waits(self) -> None:
        _, candidate = make_candidate()
        Artifact.objects.filter(pk=candidate.pk).update(gates=[])
        tick(0)
        assert not Rollout.objects.exists()

    @pytest.mark.parametrize("mode", [chain.OFF, chain.HOLDBACK])
    def test_other_modes_leave_candidates_alone(self, mode: str) -> None:
        make_candidate()
        tick(0, mode=mode)
        assert not Rollout.objects.exists()

    def test_candidate_is_rolled_out_once(self) -> None:
        make_candidate()
        tick(0)
        steps.end(rollout(), by="ana", why="no", now_ms=NOW_MS)
        tick(1)
        assert stage() == ("ended", 0)

    def test_another_worker_at_work_is_left_alone(self) -> None:
        make_candidate()
        with lease("rollout"):
            tick(0)
        assert not Rollout.objects.exists()

    def test_of_two_rollouts_one_begins(self) -> None:
        candidate = in_canary()
        with pytest.raises(RolloutError, match="another rollout is under way"):
            steps.begin_canary(candidate, 5, PARAMS, by="bob", why="", now_ms=NOW_MS)
        assert moves() == ["canary 5 %"]

    def test_version_that_a_gate_has_failed_serves_nobody(self) -> None:
        _, candidate = make_candidate()
        candidate.gates = [{"gate": "sanity", "state": "failed", "reason": "", "numbers": {}}]
        with pytest.raises(RolloutError, match="failed by sanity"):
            steps.begin_canary(candidate, 5, PARAMS, by="bob", why="", now_ms=NOW_MS)


class TestCanary:
    def test_quiet_step_is_followed_by_the_wider_one(self) -> None:
        in_canary()
        watched(rollout().experiment, alike)
        tick(1)
        assert stage() == ("canary", 25)
        experiment = Experiment.objects.get()
        assert (experiment.ramp, experiment.reserved) == (5000, 5000)

    def test_step_has_its_time(self) -> None:
        in_canary()
        watched(rollout().experiment, better)
        tick(0.5)
        assert stage() == ("canary", 5)

    def test_better_change_is_promoted_with_a_holdback(self) -> None:
        candidate = in_canary(recipe="new")
        watched(rollout().experiment, better)
        tick(1)
        tick(2)
        assert production_artifact(FAMILY) == candidate
        assert stage() == ("holdback", 5)
        assert list(Experiment.objects.order_by("pk").values_list("key", "status")) == [
            (f"canary-{rollout().pk}", "stopped"),
            (f"holdback-{rollout().pk}", "running"),
        ]
        assert moves() == ["canary 5 %", "canary 25 %", "serves"]

    def test_equal_change_is_refused_in_the_end(self) -> None:
        candidate = in_canary(recipe="new")
        watched(rollout().experiment, alike)
        tick(1)
        tick(2)
        assert stage() == ("canary", 25)
        tick(2 + 14 * 24)
        assert stage() == ("refused", 25)
        assert production_artifact(FAMILY) != candidate
        assert "not better for certain yet" in ArtifactMove.objects.latest("pk").why

    def test_equal_refresh_is_promoted(self) -> None:
        candidate = in_canary()
        watched(rollout().experiment, alike)
        tick(1)
        tick(2)
        assert production_artifact(FAMILY) == candidate

    @pytest.mark.parametrize("is_automatic", [True, False])
    def test_worse_guardrail_ends_it(self, is_automatic: bool) -> None:
        candidate = in_canary(is_automatic=is_automatic)
        watched(rollout().experiment, worse)
        tick(0.1)
        assert stage() == ("refused", 5)
        assert Experiment.objects.get().status == "stopped"
        candidate.refresh_from_db()
        assert candidate.gates[-1]["state"] == "failed"

    def test_canary_of_a_person_waits_for_them(self) -> None:
        candidate = in_canary(is_automatic=False)
        watched(rollout().experiment, better)
        tick(5)
        assert stage() == ("canary", 5)
        artifacts.promote_artifact(candidate, by="ana", why="good")
        tick(6)
        assert stage() == ("holdback", 5)

    def test_another_promotion_ends_it(self) -> None:
        in_canary()
        artifacts.promote_artifact(make_candidate()[1])
        tick(1)
        assert stage() == ("ended", 5)
        assert Experiment.objects.get().status == "stopped"

    def test_nothing_is_trained_meanwhile(self) -> None:
        in_canary()
        with pytest.raises(TrainingError, match="canary --stop"):
            train_and_publish(TRAINING, say=lambda _: None)

    def test_step_that_somebody_else_has_taken_is_not_taken_twice(self) -> None:
        in_canary()
        mine, theirs = rollout(), rollout()
        steps.to_canary(theirs, 25, PARAMS, why="", now_ms=NOW_MS)
        with pytest.raises(RolloutError, match="moved on by somebody else"):
            steps.promote(mine, PARAMS, why="", now_ms=NOW_MS)
        assert production_artifact(FAMILY) != mine.candidate


class TestHoldback:
    def promoted(self) -> tuple[Artifact, Artifact]:
        """Return what serves, watched since its promotion, and what served before."""
        production, candidate = make_candidate()
        artifacts.promote_artifact(candidate, by="training")
        moment = ArtifactMove.objects.latest("pk").at.timestamp()
        self.now_ms = int(moment * 1000)
        self.look(0)
        assert stage() == ("holdback", 5)
        return candidate, production

    def look(self, hours: float) -> None:
        now_ms = self.now_ms + int(hours * HOUR_MS)
        chain.tick(mode=chain.HOLDBACK, now_ms=now_ms, params=PARAMS)

    def test_after_its_time_it_serves_everybody(self) -> None:
        candidate, _ = self.promoted()
        watched(rollout().experiment, alike)
        self.look(2)
        assert stage() == ("done", 5)
        assert production_artifact(FAMILY) == candidate
        assert Experiment.objects.get().status == "stopped"

    def test_guardrail_that_falls_rolls_back(self) -> None:
        _, before = self.promoted()
        watched(rollout().experiment, worse)
        self.look(0.1)
        assert production_artifact(FAMILY) == before
        assert stage() == ("rolled_back", 5)
        last = ArtifactMove.objects.latest("pk")
        assert (last.version, last.move, last.by) == (str(before), "serves", "rollout")
        assert last.why.startswith("rolled back: guardrail: Watch seconds per viewer is worse")
        self.look(0.2)
        assert Rollout.objects.count() == 1  # who goes back is not watched

    def test_who_went_back_by_hand_ends_it(self) -> None:
        _, before = self.promoted()
        artifacts.rollback_artifact(FAMILY, by="ana")
        self.look(0.1)
        assert stage() == ("ended", 5)
        assert production_artifact(FAMILY) == before

    def test_promotion_of_long_ago_is_not_watched(self) -> None:
        _, candidate = make_candidate()
        artifacts.promote_artifact(candidate, by="training")
        self.now_ms = int(ArtifactMove.objects.latest("pk").at.timestamp() * 1000)
        self.look(3)
        assert not Rollout.objects.exists()

    def test_without_a_percentage_nobody_is_held_back(self) -> None:
        in_canary()
        none = replace(PARAMS, holdback_percent=0)
        steps.promote(rollout(), none, why="", now_ms=NOW_MS)
        assert stage() == ("done", 0)
