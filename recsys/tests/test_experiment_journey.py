"""An experiment from its start to its result, through the API as an app uses it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from apps.content.services import upsert_contents
from apps.content.types import ContentRow
from apps.core import clock
from apps.events.models import Slate
from apps.experiments.models import Experiment, Exposure, InterleavedSlate, Variant
from apps.experiments.services import judge
from apps.experiments.tests.factories import make_running
from apps.feed.services import for_user
from apps.feed.types import FeedQuery
from apps.profiles.services import ensure_viewers
from conftest import Api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _world() -> None:
    # Uploads of one creator follow each other, so that caps matter.
    made = [ContentRow(f"v{i}", f"creator{i // 5}") for i in range(60)]
    upsert_contents(made, now_ms=clock.now_ms() - 60_000)


def most_of_one_creator(page: dict[str, Any]) -> int:
    return max(Counter(item["creator_id"] for item in page["items"]).values())


def test_variant_changes_the_feed_and_the_results_tell(api: Api) -> None:
    experiment = make_running(
        variants={
            "control": {"feed.creator_cap": 3, "feed.creator_decay": 1.0},
            "one": {"feed.creator_cap": 1},
        }
    )
    pages = {
        f"viewer{i}": api.get("feed", user_id=f"viewer{i}", limit=10).json() for i in range(12)
    }

    by_variant: dict[str, list[dict[str, Any]]] = {"control": [], "one": []}
    for page in pages.values():
        by_variant[page["experiment"]["cap"]].append(page)
    assert all(by_variant.values())
    assert {most_of_one_creator(page) for page in by_variant["one"]} == {1}
    assert max(most_of_one_creator(page) for page in by_variant["control"]) > 1
    assert Exposure.objects.count() == 12
    slate = Slate.objects.get(pk=by_variant["one"][0]["request_id"])
    assert slate.variant == "cap=one"

    sums: dict[str, list[float]] = {"control": [], "one": []}
    for i, (user_id, page) in enumerate(pages.items()):
        variant = page["experiment"]["cap"]
        seconds = (12.0 if variant == "one" else 4.0) + i / 4
        event = {"type": "view", "user_id": user_id, "watch_duration": seconds}
        sent = [{**event, "content_id": item["content_id"]} for item in page["items"][:2]]
        assert api.post("events", sent).json()["accepted"] == 2
        sums[variant].append(2 * seconds)
    found = judge(experiment, now_ms=clock.now_ms() + 1000)
    watch = next(c for c in found.comparisons if c.metric == "watch_seconds")
    assert [arm.viewers for arm in found.arms] == [len(sums["control"]), len(sums["one"])]
    assert (watch.control, watch.treatment) == pytest.approx(
        (np.mean(sums["control"]), np.mean(sums["one"]))
    )
    assert watch.low > 0
    assert found.verdict.startswith("Collecting")


def test_assignment_is_the_same_by_feed_and_by_api(api: Api) -> None:
    make_running()
    for user_id in ("alice", "bob", "carol"):
        told = api.get("experiments/assignments", user_id=user_id).json()
        page = api.get("feed", user_id=user_id).json()
        assert told["experiments"] == page["experiment"]
        is_treated = told["experiments"] == {"cap": "one"}
        assert told["parameters"] == ({"feed.creator_cap": 1} if is_treated else {})


def test_client_token_may_not_ask_for_assignments(api: Api) -> None:
    token = api.post("client-tokens", {"user_id": "alice"}).json()["token"]
    answer = Api(token).get("experiments/assignments", user_id="alice")
    assert (answer.status_code, answer.json()["code"]) == (403, "server-key-only")


def test_broken_experiment_serves_control_and_says_so(api: Api) -> None:
    experiment = make_running()
    Variant.objects.filter(experiment=experiment, name="one").update(parameters={"feed.gone": 1})
    page = api.get("feed", user_id="alice").json()
    assert len(page["items"]) == 10
    assert "experiments" in page["degraded"]
    assert page["experiment"] == {}
    assert not Exposure.objects.exists()


class TestQueries:
    @pytest.fixture(autouse=True)
    def _in_memory(self, settings: Any) -> None:
        settings.REFRESH_SECONDS = 1
        ensure_viewers(["alice"])

    def ask(self, user_id: str) -> Any:
        return for_user(FeedQuery(user_id), now_ms=clock.now_ms())

    def test_viewer_in_no_experiment_costs_no_query(self, django_assert_num_queries: Any) -> None:
        experiment = make_running(ramp=1)
        self.ask("warm")
        assert Experiment.objects.get().pk == experiment.pk
        with django_assert_num_queries(5):
            assert self.ask("alice").experiment == {}

    def test_viewer_in_experiments_costs_one(self, django_assert_num_queries: Any) -> None:
        make_running()
        make_running("two", layer="other", variants={"control": {}, "x": {"feed.reserve": 5}})
        self.ask("warm")
        with django_assert_num_queries(6):
            assert len(self.ask("alice").experiment) == 2


class TestExposure:
    def test_experiment_whose_parameter_is_not_read_counts_nobody(self, api: Api) -> None:
        # Nothing is trained, so there are no neighbors whose number could matter.
        make_running(variants={"control": {}, "few": {"candidates.viewers.k": 5}})
        assert api.get("feed", user_id="alice").json()["experiment"]
        assert not Exposure.objects.exists()

    def test_first_time_stays(self, api: Api) -> None:
        make_running()
        for_user(FeedQuery("alice"), now_ms=clock.now_ms())
        first = Exposure.objects.get().first_ms
        for_user(FeedQuery("alice"), now_ms=clock.now_ms() + 5000)
        assert Exposure.objects.get().first_ms == first


class TestInterleaving:
    def test_page_is_shared_and_credit_goes_to_who_picked(self, api: Api) -> None:
        experiment = make_running(
            kind="interleaving",
            variants={
                "control": {},
                "fresh": {"candidates.quotas.popular_ever": 0, "feed.creator_decay": 0.01},
            },
        )
        page = api.get("feed", user_id="alice", limit=8).json()
        assert page["experiment"] == {"cap": "interleaved"}
        teams = np.frombuffer(InterleavedSlate.objects.get().teams, np.int8)
        assert teams.tolist().count(0) == teams.tolist().count(1) == 4
        assert len({item["content_id"] for item in page["items"]}) == 8

        picked = [item for item, team in zip(page["items"], teams, strict=True) if team == 1][:2]
        views = [
            {
                "type": "view",
                "user_id": "alice",
                "content_id": item["content_id"],
                "watch_duration": 20,
            }
            for item in picked
        ]
        api.post("events", views)
        api.get("feed", user_id="bob")
        found = judge(experiment, now_ms=clock.now_ms() + 1000)
        row = found.comparisons[0]
        assert (row.control, row.treatment) == (0, 1)  # two long views among two viewers
        assert found.verdict.startswith("Collecting: 2 viewers")
