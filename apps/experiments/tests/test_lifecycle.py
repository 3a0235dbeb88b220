"""Drafts are checked, layers are shared out, ramps only add, stops happen once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from apps.content.tests.factories import NOW_MS
from apps.core.params import parameters
from apps.experiments.models import Experiment, Variant
from apps.experiments.running import running
from apps.experiments.services import ExperimentError, force, ramp_up, release, start, stop
from apps.experiments.tests.factories import make_draft, make_layer, make_running

pytestmark = pytest.mark.django_db

VIEWERS = [uuid.UUID(int=i) for i in range(2000)]


def variants_of(viewers: list[uuid.UUID] = VIEWERS, at: int = 0) -> dict[uuid.UUID, str]:
    plan = running().plans[at]
    return {viewer: found.name for viewer in viewers if (found := plan.variant_of(viewer))}


class TestDraft:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"feed.creator_kap": 3}, "There is no parameter 'feed.creator_kap'"),
            ({"feed.creator_cap": "3"}, "feed.creator_cap is '3'; expected int"),
            ({"feed.creator_cap": True}, "expected int"),
            ({"feed.creator_cap": 0}, "expected 1 to 50"),
            ({"candidates.quotas.explore": 5000}, "expected 0 to 1000"),
        ],
    )
    def test_bad_parameters_are_refused(self, values: Mapping[str, object], message: str) -> None:
        with pytest.raises(ExperimentError, match=message):
            make_draft(variants={"control": {}, "bad": values})
        assert not Experiment.objects.exists()

    def test_whole_number_may_be_a_float(self) -> None:
        make_draft(variants={"control": {}, "flat": {"feed.creator_decay": 1}})
        assert Variant.objects.get(name="flat").parameters == {"feed.creator_decay": 1.0}

    def test_needs_two_variants(self) -> None:
        with pytest.raises(ExperimentError, match="at least one other"):
            make_draft(variants={"control": {}})

    def test_parameters_of_several_apps_can_vary(self) -> None:
        apps = {parameter.name.split(".")[0] for parameter in parameters()}
        assert {"feed", "candidates"} <= apps


class TestLayer:
    def test_experiments_of_a_layer_share_no_viewer(self) -> None:
        make_running("a", reserved=6000)
        make_running("b", reserved=4000, variants={"control": {}, "x": {"feed.ranked": 50}})
        first, second = variants_of(at=0), variants_of(at=1)
        assert not first.keys() & second.keys()
        assert len(first) + len(second) == len(VIEWERS)

    def test_layers_are_independent(self) -> None:
        make_running("a", reserved=5000)
        make_running(
            "b", reserved=5000, layer="ranking", variants={"control": {}, "x": {"feed.ranked": 50}}
        )
        both = variants_of(at=0).keys() & variants_of(at=1).keys()
        # Each has a half, so a quarter is in both; deviation of the share 1 %.
        assert len(both) / len(VIEWERS) == pytest.approx(0.25, abs=0.05)

    def test_full_layer_is_refused(self) -> None:
        make_running("a", reserved=6000)
        with pytest.raises(ExperimentError, match="no 5000 buckets in a row left"):
            make_running("b", reserved=5000)

    def test_holdout_is_left_alone(self) -> None:
        make_layer("held", holdout=1000)
        with pytest.raises(ExperimentError, match="no 10000 buckets"):
            make_running("a", layer="held")
        assert make_running("b", layer="held", reserved=9000).first_bucket == 0

    def test_buckets_of_a_running_experiment_cannot_be_held_out(self) -> None:
        layer = make_running("a", reserved=9000).layer
        layer.holdout = 1000
        layer.full_clean()
        layer.holdout = 1001
        with pytest.raises(ValidationError, match="The experiment a runs in these buckets"):
            layer.full_clean()

    def test_range_of_a_stopped_experiment_is_free_again(self) -> None:
        stop(make_running("a", reserved=6000).pk, reason="enough", now_ms=NOW_MS)
        assert make_running("b", reserved=6000).first_bucket == 0

    def test_parameter_varied_in_another_layer_is_refused(self) -> None:
        make_running("a")
        with pytest.raises(ExperimentError, match=r"feed\.creator_cap is varied by a"):
            make_running("b", layer="other")

    def test_bad_range_is_refused_by_the_database(self) -> None:
        experiment = make_running(reserved=5000)
        with pytest.raises(IntegrityError):
            Experiment.objects.filter(pk=experiment.pk).update(ramp=6000)


class TestRamp:
    def test_who_is_in_never_moves(self) -> None:
        experiment = make_running(ramp=1000)
        before = variants_of()
        ramp_up(experiment.pk, ramp=2000)
        after = variants_of()
        assert len(before) < len(after)
        assert after.items() >= before.items()

    @pytest.mark.parametrize(
        ("ramp", "message"), [(500, "fewer would move"), (9000, "expected 1 to")]
    )
    def test_other_steps_are_refused(self, ramp: int, message: str) -> None:
        experiment = make_running(reserved=5000, ramp=1000)
        with pytest.raises(ExperimentError, match=message):
            ramp_up(experiment.pk, ramp=ramp)

    def test_draft_without_a_difference_does_not_start(self) -> None:
        draft = make_draft(variants={"control": {}, "same": {}})
        with pytest.raises(ExperimentError, match="do not differ"):
            start(draft.pk, ramp=100, now_ms=NOW_MS)

    def test_started_twice_is_refused(self) -> None:
        with pytest.raises(ExperimentError, match="is running, not draft"):
            start(make_running().pk, ramp=100, now_ms=NOW_MS)


class TestStop:
    def test_first_reason_stays(self) -> None:
        experiment = make_running()
        assert stop(experiment.pk, reason="first", now_ms=NOW_MS)
        assert not stop(experiment.pk, reason="second", now_ms=NOW_MS)
        experiment.refresh_from_db()
        assert (experiment.stop_reason, experiment.status) == ("first", "stopped")
        assert running().plans == ()


def test_forced_viewer_sees_the_variant_until_released() -> None:
    experiment = make_running(ramp=1)
    outside = next(viewer for viewer in VIEWERS if viewer not in variants_of())
    force(experiment, outside, "one")
    assert variants_of([outside]) == {outside: "one"}
    release(experiment, outside)
    assert variants_of([outside]) == {}


class TestBroken:
    @pytest.mark.parametrize(
        "parameters_", [{"feed.gone": 1}, {"feed.creator_cap": 99}, ["x"], None]
    )
    def test_one_broken_experiment_turns_all_off(self, parameters_: Any) -> None:
        make_running("fine", reserved=5000)
        broken = make_running("broken", reserved=5000)
        Variant.objects.filter(experiment=broken, position=1).update(parameters=parameters_ or 0)
        found = running()
        assert (found.plans, found.is_broken) == ((), True)
