"""The loop: buffered, due, learned, served; dropped with its bundle, exactly once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.db import OperationalError, connection

from apps.content.tests.factories import make_contents
from apps.core import artifacts, live
from apps.core.models import Artifact
from apps.events.models import Slate
from apps.learning import bundle
from apps.learning.conf import OnlineParams
from apps.learning.models import OnlineStep
from apps.learning.online import increment
from apps.learning.online.loop import LostStepError, _close, tick
from apps.learning.selectors import online_standing
from apps.learning.tests.online.factories import (
    MINUTE_MS,
    NOW_MS,
    PARAMS,
    SETTLED_MS,
    act,
    hashes,
    serve_bundle,
    show,
    started,
    states,
    watch_slates,
)
from apps.ranking.tests.factories import make_inputs
from apps.ranking.types import LEARNED

pytestmark = pytest.mark.django_db(transaction=True)
State = OnlineStep.State


@pytest.fixture(autouse=True)
def contents() -> list[str]:
    return make_contents(5, now_ms=NOW_MS - 100 * MINUTE_MS)


@pytest.fixture
def base() -> Artifact:
    return serve_bundle()


class TestTrigger:
    def test_buffered_views_are_learned_as_soon_as_their_labels_have_settled(
        self, base: Artifact, contents: list[str]
    ) -> None:
        started(contents)
        early = NOW_MS + 10 * MINUTE_MS - 1
        assert tick(now_ms=early, params=PARAMS) is None
        step = tick(now_ms=SETTLED_MS, params=PARAMS)
        assert step is not None
        assert (step.state, step.n_views, step.n_examples) == (State.PUBLISHED, 25, 25)
        assert states() == [State.PUBLISHED, State.BUFFERING]

    def test_fewer_views_wait_until_the_time_has_passed(
        self, base: Artifact, contents: list[str]
    ) -> None:
        started(contents, users=5)
        assert tick(now_ms=SETTLED_MS, params=PARAMS)
        act("view", "user0", contents[0], show("user0", contents), at_ms=SETTLED_MS)
        later = SETTLED_MS + 10 * MINUTE_MS + 1  # settled; the last step is longer ago than T
        step = tick(now_ms=later, params=PARAMS)
        assert step is not None
        assert step.n_views == 1
        assert tick(now_ms=later + 60 * MINUTE_MS, params=PARAMS) is None  # T with none

    def test_before_any_bundle_there_is_nothing_to_begin_from(self) -> None:
        assert tick(now_ms=NOW_MS, params=PARAMS) is None
        assert not OnlineStep.objects.exists()


class TestServing:
    def test_next_request_is_answered_by_the_network_that_has_learned(
        self, base: Artifact, contents: list[str]
    ) -> None:
        before = bundle.production()
        started(contents)
        tick(now_ms=SETTLED_MS, params=PARAMS)
        after = bundle.production()
        assert before is not None
        assert after is not None
        assert after.version == f"bundle-{base.pk}+1"
        inputs, _ = make_inputs(50)
        old, new = before.rankers.predict_heads(inputs), after.rankers.predict_heads(inputs)
        assert max(np.abs(old[head] - new[head]).max() for head in LEARNED) > 1e-6
        assert after.rankers.boosted is before.rankers.boosted

    def test_another_bundle_drops_what_grew_from_the_first_and_learns_what_it_does_not_know(
        self, base: Artifact, contents: list[str]
    ) -> None:
        started(contents)
        tick(now_ms=SETTLED_MS, params=PARAMS)
        other = serve_bundle()  # of the same data: the views are not known to it
        assert bundle.production().version == f"bundle-{other.pk}"  # type: ignore[union-attr]
        step = tick(now_ms=SETTLED_MS, params=PARAMS)
        assert step is not None
        assert (step.parent, step.n_examples) == (f"bundle-{other.pk}", 25)
        assert states() == [State.PUBLISHED, State.DROPPED, State.PUBLISHED, State.BUFFERING]
        assert bundle.production().version == f"bundle-{other.pk}+1"  # type: ignore[union-attr]

    def test_rollback_drops_the_increment_at_once(
        self, base: Artifact, contents: list[str]
    ) -> None:
        serve_bundle()
        started(contents)
        tick(now_ms=SETTLED_MS, params=PARAMS)
        artifacts.rollback_artifact(bundle.FAMILY)
        assert bundle.production().version == f"bundle-{base.pk}"  # type: ignore[union-attr]

    def test_increment_that_was_damaged_leaves_the_bundle(
        self, base: Artifact, contents: list[str]
    ) -> None:
        started(contents)
        tick(now_ms=SETTLED_MS, params=PARAMS)
        artifact = artifacts.production_artifact(increment.FAMILY)
        assert artifact is not None
        path = artifacts.folder_of(increment.FAMILY, artifact.uuid) / "neural.npz"
        path.write_bytes(path.read_bytes()[:-1])
        live.reset_all()
        assert bundle.production().version == f"bundle-{base.pk}"  # type: ignore[union-attr]

    def test_few_versions_are_kept(self, base: Artifact, contents: list[str]) -> None:
        tick(now_ms=NOW_MS, params=PARAMS)
        for i in range(6):
            watch_slates(4, contents=contents, at_ms=NOW_MS + i * MINUTE_MS)
            assert tick(now_ms=SETTLED_MS + i * MINUTE_MS, params=PARAMS)
        root = Path(settings.ARTIFACT_ROOT) / increment.FAMILY
        n_kept = artifacts.KEPT_VERSIONS + 2  # with what serves and what served before
        assert len(list(root.iterdir())) == n_kept


class TestExactlyOnce:
    def test_unusable_views_are_consumed_and_counted(
        self, base: Artifact, contents: list[str]
    ) -> None:
        started(contents)
        Slate.objects.all().delete()
        step = tick(now_ms=SETTLED_MS, params=PARAMS)
        assert step is not None
        assert (step.state, step.skipped) == (State.EMPTY, {"no slate": 25})
        assert tick(now_ms=SETTLED_MS + 60 * MINUTE_MS, params=PARAMS) is None

    def test_refused_step_changes_nothing_and_its_events_are_consumed(
        self, base: Artifact, contents: list[str]
    ) -> None:
        started(contents)
        params = OnlineParams(buffer=20, rate=float("inf"), floor=float("inf"), viewer_cap=100)
        with np.errstate(all="ignore"):
            step = tick(now_ms=SETTLED_MS, params=params)
        assert step is not None
        assert (step.state, step.reason) == (State.REFUSED, "a weight is no number")
        assert bundle.production().version == f"bundle-{base.pk}"  # type: ignore[union-attr]
        assert tick(now_ms=SETTLED_MS, params=PARAMS) is None

    def test_who_comes_second_with_a_step_changes_nothing(
        self, base: Artifact, contents: list[str]
    ) -> None:
        started(contents)
        step = tick(now_ms=SETTLED_MS, params=PARAMS)
        assert step is not None
        with pytest.raises(LostStepError, match="another process"):
            _close(step, None, SETTLED_MS)
        assert states() == [State.PUBLISHED, State.BUFFERING]

    def test_step_that_fails_before_it_serves_is_done_again_with_the_same_weights(
        self, base: Artifact, contents: list[str]
    ) -> None:
        def fail(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith("UPDATE") and "core_artifact" in sql:
                raise OperationalError("the connection was lost")
            return execute(sql, *rest)

        started(contents)
        with connection.execute_wrapper(fail), pytest.raises(OperationalError):
            tick(now_ms=SETTLED_MS, params=PARAMS)
        assert states() == [State.TRAINING]
        learned = Artifact.objects.get(family=increment.FAMILY)
        watch_slates(3, contents=contents, at_ms=NOW_MS + MINUTE_MS)  # not in the fixed stretch
        step = tick(now_ms=SETTLED_MS + 30 * MINUTE_MS, params=PARAMS)
        assert step is not None
        assert step.n_examples == 25
        serving = artifacts.production_artifact(increment.FAMILY)
        assert serving is not None
        assert serving.pk != learned.pk
        assert hashes(serving) == hashes(learned)

    def test_events_of_an_import_cost_one_look(self, base: Artifact, contents: list[str]) -> None:
        tick(now_ms=NOW_MS, params=PARAMS)
        act("view", "user0", contents[0], None)
        tick(now_ms=SETTLED_MS, params=PARAMS)
        step = OnlineStep.objects.get()
        assert step.n_views == 0
        assert step.until > step.after


class TestStanding:
    def test_metrics_say_how_the_last_steps_went(self, base: Artifact, contents: list[str]) -> None:
        started(contents)
        assert online_standing(now_ms=NOW_MS).loss is None
        step = tick(now_ms=SETTLED_MS, params=PARAMS)
        watch_slates(1, contents=contents, at_ms=NOW_MS + MINUTE_MS)
        assert tick(now_ms=SETTLED_MS + MINUTE_MS, params=PARAMS) is None
        stand = online_standing(now_ms=SETTLED_MS + 60_000)
        assert step is not None
        assert (stand.loss, stand.multiplier) == (step.prequential_loss, step.multiplier)
        assert stand.steps == {"published": 1, "refused": 0, "empty": 0, "dropped": 0}
        assert (stand.age_seconds, stand.buffered) == (60, 5)

    def test_metrics_page_names_them(self, client: Any) -> None:
        text = client.get("/metrics").text
        assert 'recsys_online_steps{state="refused"} 0.0' in text
        assert "recsys_online_buffered_views 0.0" in text

    def test_admin_lists_the_steps_and_lets_nobody_change_them(
        self, base: Artifact, contents: list[str], admin_client: Any
    ) -> None:
        started(contents)
        step = tick(now_ms=SETTLED_MS, params=PARAMS)
        assert step is not None
        text = admin_client.get("/admin/learning/onlinestep/").text
        assert step.version in text
        assert f"{step.held_before:.4f} → {step.held_after:.4f}" in text
        address = f"/admin/learning/onlinestep/{step.pk}/change/"
        assert admin_client.get(address).status_code == 200
        assert admin_client.post(address, {"state": "empty"}).status_code == 403
