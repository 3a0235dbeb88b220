"""From a log to a trained feed: train, serve, learn within the request, break, roll back."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import override_settings
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.models import Content
from apps.core import live
from apps.core.artifacts import (
    ArtifactError,
    folder_of,
    production_artifact,
    publish_artifact,
    rollback_artifact,
)
from apps.core.clock import DAY_MS
from apps.core.models import Artifact
from apps.events.models import Event, Slate
from apps.events.types import EventType
from apps.features.selectors import SCHEMA
from apps.features.sessions import keep_up
from apps.features.stats import EVER
from apps.features.trends import buckets
from apps.feed.offline import ranked_rows
from apps.learning import bundle
from apps.learning.algorithms.promotion import GateParams
from apps.learning.conf import TrainingParams
from apps.learning.moments import Moment
from apps.learning.services import train_and_publish, train_through_gates
from apps.profiles.models import Creator, CreatorRelation, Viewer
from apps.profiles.services import ensure_viewers
from apps.ranking import cascade
from apps.ranking.boosted import BoostedParams
from apps.ranking.boosters import BoosterParams
from apps.ranking.inputs import Inputs, ids_of
from apps.ranking.neural import NeuralParams
from apps.ranking.objective import Objective
from apps.ranking.rankers import SELECT_HASH, SELECT_NAMES, Rankers
from apps.ranking.select import SelectParams
from apps.ranking.services import add_objective
from apps.ranking.types import WATCH_SECONDS, Head
from apps.simulation.interest import correlations
from apps.simulation.services import store_world
from apps.simulation.world import World, WorldParams, build_world

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
END_MS = 1_767_225_600_000  # 1 January 2026: the clock of all tests here
PARAMS = WorldParams(n_viewers=250, n_contents=400, n_creators=40, n_days=6, seed=3, end_ms=END_MS)
_FEW = BoosterParams(trees=10, leaves=7)
_FEW_SELECT = SelectParams(trees=replace(_FEW, objective="cross_entropy"))
CHEAP = TrainingParams(
    n_slices=1, select=_FEW_SELECT, boosted=BoostedParams(head=_FEW, rare_head=_FEW)
)


# Where it is asked what becomes of a candidate, not how good it is.
HASTY = replace(CHEAP, max_viewers=40)
# Learns nothing: weights held at 0, trees that may not split, and one step of nothing for the network.
_STUMP = replace(_FEW, min_leaf=1_000_000)
BLIND = replace(
    HASTY,
    select=SelectParams(l2=1e9, trees=replace(_FEW_SELECT.trees, min_leaf=1_000_000)),
    boosted=BoostedParams(head=_STUMP, rare_head=_STUMP),
    neural=NeuralParams(rate=1e-9, floor=1e-9, passes=1),
)


class Trained(NamedTuple):
    """A world in the database, a bundle that serves, and the one before it."""

    world: World
    artifacts: Path
    previous: str
    serving: str

    def active_viewers(self, n: int) -> list[str]:
        """Return users with a history who have hidden nobody: their order needs no exception."""
        keys = ensure_viewers(self.world.viewers.id)
        events = Event.objects.values_list("viewer_id", flat=True)
        watching = set(events)
        hiding = set(
            CreatorRelation.objects.exclude(kind=CreatorRelation.Kind.FOLLOW).values_list(
                "viewer_id", flat=True
            )
        )
        return [u for u, key in keys.items() if key in watching - hiding][:n]


def _quiet(step: str) -> None:
    pass


def _number_from_one() -> None:
    """Give viewers and contents the same keys in every run: what is learned depends on them."""
    tables = {model._meta.db_table for model in (Viewer, Creator, Content)}
    sequences = [s for s in connection.introspection.sequence_list() if s["table"] in tables]
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_by_name_sql(no_style(), sequences):
            cursor.execute(sql)


def most_watched(
    then: Moment, rankers: Rankers, viewers: Sequence[int], k: int
) -> Iterator[NDArray[np.int64]]:
    """Recommend to each viewer what is watched most and new to them, whatever was learned."""
    views = then.stats.popularity(EVER, then.at_ms)
    for viewer in viewers:
        kept = np.flatnonzero(~then.request(viewer).excluded())
        yield kept[np.argsort(-views[kept], kind="stable")[:k]]


@pytest.fixture(scope="module")
def trained(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trained]:
    """Store, commit and train once; the tests' own changes are rolled back one by one.

    Committed, because on PostgreSQL counters read only what is.
    """
    root = tmp_path_factory.mktemp("artifacts")
    world = build_world(PARAMS)
    with django_db_blocker.unblock(), override_settings(ARTIFACT_ROOT=root, REFRESH_SECONDS=0):
        live.reset_all()
        try:
            _number_from_one()
            store_world(world, now_ms=END_MS, progress=lambda *_: None)
            keep_up()
            buckets.keep_up(END_MS)
            first = train_and_publish(CHEAP, say=_quiet, until_ms=END_MS - DAY_MS)
            second = train_and_publish(TrainingParams(), say=_quiet)
            yield Trained(world, root, f"bundle-{first.pk}", f"bundle-{second.pk}")
        finally:
            live.reset_all()
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture(autouse=True)
def _at_the_end(
    trained: Trained, _fresh_state: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ARTIFACT_ROOT = trained.artifacts
    settings.REFRESH_SECONDS = 0
    for view in ("feed", "events"):
        monkeypatch.setattr(f"apps.{view}.views.now_ms", lambda: END_MS)


@pytest.fixture
def alice(trained: Trained) -> str:
    return trained.active_viewers(1)[0]


@pytest.fixture
def own_files(trained: Trained, settings: Any, tmp_path: Path) -> Path:
    """Let the test break the files of the bundles without breaking them for others."""
    settings.ARTIFACT_ROOT = tmp_path / "copied"
    shutil.copytree(trained.artifacts, settings.ARTIFACT_ROOT)
    return settings.ARTIFACT_ROOT


def feed(api: Any, user_id: str, **query: Any) -> dict[str, Any]:
    answer = api.get("feed", user_id=user_id, **query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["content_id"] for item in answer["items"]]


def post(api: Any, kind: str, user_id: str, **fields: Any) -> None:
    answer = api.post("events", {"type": kind, "user_id": user_id, **fields})
    assert answer.json()["accepted"] == 1, answer.content


def run(command: str, *arguments: Any) -> str:
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out)
    return out.getvalue()


class TestFeed:
    def test_trained_ranker_serves(self, api: Any, trained: Trained, alice: str) -> None:
        answer = feed(api, alice)
        assert answer["ranker"] == trained.serving
        assert answer["degraded"] == []
        assert len(set(ids(answer))) == 10

    def test_service_is_ready(self, client: Any, trained: Trained) -> None:
        answer = client.get("/readyz").json()
        assert answer["status"] == "ready"
        assert answer["loaded"]["bundle"] == trained.serving

    def test_stranger_gets_a_page_of_the_trained_ranker_too(
        self, api: Any, trained: Trained
    ) -> None:
        answer = feed(api, "nobody-knows")
        assert answer["ranker"] == trained.serving
        assert len(answer["items"]) == 10

    def test_all_sources_take_part(self, api: Any, trained: Trained) -> None:
        items = [i for user in trained.active_viewers(20) for i in feed(api, user)["items"]]
        sources = {item["source"] for item in items}
        assert {"just_after", "nearest", "followed"} <= sources

    def test_like_changes_the_very_next_page(self, api: Any, alice: str) -> None:
        liked = ids(feed(api, alice))[0]
        without = []
        for _ in range(2):
            with transaction.atomic():
                without.append(ids(feed(api, alice)))
                transaction.set_rollback(True)
        post(api, "like", alice, content_id=liked)
        assert without[0] == without[1]
        assert ids(feed(api, alice)) != without[0]

    def test_scores_are_those_of_the_features_that_were_logged(
        self, api: Any, alice: str, still: None
    ) -> None:
        answer = feed(api, alice)
        slate = Slate.objects.get(pk=answer["request_id"])
        features = np.frombuffer(slate.features, "<f4").reshape(10, len(SELECT_NAMES))
        promoted = bundle.production()
        assert promoted is not None
        catalog = content.catalog()
        rows = catalog.rows_of(np.frombuffer(slate.content_pks, "<i8"))
        ids = ids_of(np.array([slate.viewer_id]), rows, catalog)
        inputs = Inputs(features[:, -len(SCHEMA) :], ids)
        expected = cascade.score(promoted.rankers, Objective(), features, inputs, refined=10).score
        np.testing.assert_allclose(np.frombuffer(slate.scores, "<f4"), expected, rtol=1e-6)
        served = np.array([item["score"] for item in answer["items"]])
        np.testing.assert_allclose(served, expected, rtol=1e-6)
        assert slate.feature_schema == SELECT_HASH

    def test_logged_features_are_those_of_the_contents_shown(self, api: Any, alice: str) -> None:
        answer = feed(api, alice, explain="1")
        slate = Slate.objects.get(pk=answer["request_id"])
        features = np.frombuffer(slate.features, "<f4").reshape(10, len(SELECT_NAMES))
        logged = np.expm1(features[:, SELECT_NAMES.index("duration")])
        shown = [item["content"]["duration"] for item in answer["items"]]
        np.testing.assert_allclose(logged, shown, rtol=1e-4)

    def test_explained_terms_add_up_to_the_score(self, api: Any, alice: str) -> None:
        for item in feed(api, alice, explain="1")["items"]:
            adds = {k: v for k, v in item["terms"].items() if k.startswith("adds.")}
            assert {"adds.select", "adds.skip", "adds.asking"} <= set(adds)
            assert sum(adds.values()) == pytest.approx(item["score"], rel=1e-6)

    def test_another_objective_orders_the_next_page_and_is_logged(
        self, api: Any, alice: str
    ) -> None:
        version = add_objective({"select": 1e-6, "like": 1.0}, reason="likes", activate=True)
        answer = feed(api, alice, explain="1")
        liked = [item["terms"]["adds.like"] for item in answer["items"]]
        assert liked[0] == max(liked)
        assert Slate.objects.get(pk=answer["request_id"]).objective == version.pk

    def test_explained_heads_are_probabilities(self, api: Any, alice: str) -> None:
        terms = feed(api, alice, explain="1")["items"][0]["terms"]
        assert all(0 <= terms[head] <= 1 for head in Head)
        assert terms[WATCH_SECONDS] >= 0

    @pytest.mark.parametrize("by", ["creator_id", "content_id"])
    def test_hidden_creator_is_gone(self, api: Any, alice: str, by: str) -> None:
        item = feed(api, alice, limit=50)["items"][0]
        post(api, "hide", alice, **{by: item[by]})
        after = [i["creator_id"] for i in feed(api, alice, limit=50)["items"]]
        assert after
        assert item["creator_id"] not in after


class TestRecommend:
    def recommend(self, folder: Path, users: list[str], k: int = 10) -> list[dict[str, str]]:
        (folder / "users.txt").write_text("\n".join(users))
        out = folder / "lists.csv"
        at = ("--at", END_MS)
        run("recommend", "--users", folder / "users.txt", "--k", k, "--out", out, *at, "--quiet")
        with out.open() as file:
            return list(csv.DictReader(file))

    def test_lists_have_ranks_from_one_to_k_in_order_of_users(
        self, trained: Trained, tmp_path: Path
    ) -> None:
        users = ["nobody-knows", *trained.active_viewers(5)]
        rows = self.recommend(tmp_path, users, k=15)
        assert list(rows[0]) == ["user_id", "content_id", "rank", "score"]
        assert [(row["user_id"], int(row["rank"])) for row in rows] == [
            (user, rank) for user in users for rank in range(1, 16)
        ]
        assert np.isfinite([float(row["score"]) for row in rows]).all()

    def test_what_was_met_is_left_out(self, trained: Trained, tmp_path: Path) -> None:
        users = trained.active_viewers(20)
        keys = ensure_viewers(users)
        events = Event.objects.filter(viewer_id__in=keys.values())
        met = set(events.values_list("viewer_id", "content__content_id"))
        listed = {
            (keys[row["user_id"]], row["content_id"])
            for row in self.recommend(tmp_path, users, k=50)
        }
        assert met
        assert not met & listed

    def test_creators_whom_a_viewer_has_hidden_are_left_out(
        self, api: Any, alice: str, tmp_path: Path
    ) -> None:
        listed = self.recommend(tmp_path, [alice])
        makers = dict(Content.objects.values_list("content_id", "creator__creator_id"))
        hidden = makers[listed[0]["content_id"]]
        post(api, "hide", alice, creator_id=hidden)
        assert hidden not in {
            makers[row["content_id"]] for row in self.recommend(tmp_path, [alice])
        }

    def test_two_runs_give_the_same_file(self, trained: Trained, tmp_path: Path) -> None:
        users = trained.active_viewers(20)
        assert self.recommend(tmp_path, users) == self.recommend(tmp_path, users)

    def test_lists_are_what_the_feed_serves_where_it_does_not_explore(
        self, api: Any, trained: Trained, tmp_path: Path, still: None
    ) -> None:
        users = trained.active_viewers(15)
        rows = self.recommend(tmp_path, users)
        listed = {u: [r["content_id"] for r in rows if r["user_id"] == u] for u in users}
        assert listed == {user: ids(feed(api, user)) for user in users}


class TestScore:
    @pytest.fixture
    def pairs(self, tmp_path: Path, trained: Trained) -> Path:
        rng = np.random.default_rng(0)
        world, n = trained.world, 300
        frame = pd.DataFrame(
            {
                "user_id": rng.choice(world.viewers.id, n),
                "content_id": rng.choice(world.contents.id, n),
                "timestamp": END_MS + np.sort(rng.integers(0, DAY_MS, n)),
                "watch_duration": rng.uniform(0, 30, n).round(2),
                "like": rng.integers(0, 2, n),
            }
        )
        frame.to_csv(tmp_path / "pairs.csv", index=False)
        return tmp_path / "pairs.csv"

    @pytest.mark.parametrize("learn", [[], ["--learn"]], ids=["frozen", "learn"])
    def test_every_pair_gets_every_head_in_the_order_of_the_file(
        self, pairs: Path, tmp_path: Path, learn: list[str]
    ) -> None:
        run("score", "--pairs", pairs, "--out", tmp_path / "scores.csv", *learn)
        given, scored = pd.read_csv(pairs), pd.read_csv(tmp_path / "scores.csv")
        keys = ["user_id", "content_id", "timestamp"]
        pd.testing.assert_frame_equal(scored[keys], given[keys])
        heads = scored[[head.value for head in Head]]
        assert heads.to_numpy().min() >= 0
        assert heads.to_numpy().max() <= 1
        assert scored[WATCH_SECONDS].min() >= 0
        assert scored[Head.LONG_VIEW].std() > 0.01

    def test_parquet_is_written_where_it_is_asked_for(self, pairs: Path, tmp_path: Path) -> None:
        run("score", "--pairs", pairs, "--out", tmp_path / "scores.parquet")
        assert len(pd.read_parquet(tmp_path / "scores.parquet")) == 300


def test_production_beats_popularity_on_the_held_out_fifth(
    trained: Trained, tmp_path: Path
) -> None:
    text = run("evaluate", "--protocol", "temporal", "--k", "10", "--out", tmp_path, "--quiet")
    report = json.loads((tmp_path / "report.json").read_text())
    ndcg = {name: values["ndcg@10"]["value"] for name, values in report["ranking"].items()}
    popular = {name: value for name, value in ndcg.items() if name.startswith("popular")}
    assert ndcg["production"] > 1.2 * max(popular.values())
    for name, value in popular.items():  # some 60 viewers: their interval may touch 0
        found = report["paired"][name]
        assert found["value"] == pytest.approx(ndcg["production"] - value)
        assert found["low"] < found["value"] < found["high"]
    assert text == (tmp_path / "report.md").read_text()


class TestBundles:
    def test_bundles_are_checked_and_described(self, trained: Trained) -> None:
        serving = Artifact.objects.get(alias=Artifact.Alias.PRODUCTION)
        assert serving.manifest["index_recall"] >= 0.9
        assert serving.manifest["n_events"] == Event.objects.count()
        bundle.check_bundle(folder_of(bundle.FAMILY, serving.uuid))

    def test_bundle_of_until_knows_nothing_later(self) -> None:
        previous = Artifact.objects.get(alias=Artifact.Alias.PREVIOUS)
        assert previous.manifest["data_until"] < "2025-12-31T00:00:00"
        assert previous.manifest["n_events"] < Event.objects.count()

    def test_rollback_serves_the_previous_bundle_on_the_next_request(
        self, api: Any, trained: Trained, alice: str
    ) -> None:
        assert feed(api, alice)["ranker"] == trained.serving
        rollback_artifact(bundle.FAMILY)
        answer = feed(api, alice)
        assert answer["ranker"] == trained.previous
        assert answer["degraded"] == []
        rollback_artifact(bundle.FAMILY)
        assert feed(api, alice)["ranker"] == trained.serving

    def test_candidate_that_keeps_up_is_promoted_by_the_gates(self, own_files: Path) -> None:
        previous = rollback_artifact(bundle.FAMILY)  # it does not know the last day
        # The last hours of a small world have 21 viewers, whose lists say little of two bundles:
        # they get the same ones. Views are so few in ten bins that calibration says little, too.
        few = GateParams(min_viewers=10, calibration_rise=0.1)
        artifact = train_through_gates(CHEAP, recommend=most_watched, say=_quiet, gate_params=few)
        said = {verdict["gate"]: verdict["state"] for verdict in artifact.gates}
        assert said == dict.fromkeys(said, "passed"), artifact.gates
        assert artifact.alias == Artifact.Alias.PRODUCTION
        assert artifact.manifest["parent"] == str(previous)
        assert artifact.manifest["data_until"] > previous.manifest["data_until"]
        assert artifact.manifest["n_events"] < Event.objects.count()  # a slice was held out

    def test_candidate_that_learned_nothing_stays_a_candidate(self, own_files: Path) -> None:
        previous = rollback_artifact(bundle.FAMILY)
        artifact = train_through_gates(BLIND, recommend=ranked_rows, say=_quiet)
        assert artifact.alias == Artifact.Alias.CANDIDATE
        assert production_artifact(bundle.FAMILY) == previous
        assert "log-loss of long_view" in artifact.gates[2]["reason"]

    @pytest.fixture
    def cheap(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the command train small rankers: what is asked here is who serves."""
        monkeypatch.setattr("apps.feed.management.commands.train.training_params", lambda: HASTY)

    @pytest.mark.usefixtures("cheap")
    def test_candidate_without_new_views_waits_for_a_word(self, own_files: Path) -> None:
        said = run("train", "--strict", "--quiet")
        assert "is the candidate; manage.py promote would serve it" in said
        candidate = Artifact.objects.get(alias=Artifact.Alias.CANDIDATE)
        assert [v["state"] for v in candidate.gates] == ["passed"] + ["not enough data"] * 2
        assert run("promote") == f"{candidate} serves.\n"
        assert production_artifact(bundle.FAMILY) == candidate

    @pytest.mark.usefixtures("cheap")
    def test_training_that_somebody_asked_for_serves_where_nothing_can_be_judged(
        self, own_files: Path
    ) -> None:
        before = production_artifact(bundle.FAMILY)
        run("train", "--quiet")
        assert production_artifact(bundle.FAMILY) != before

    def damage(self, alias: str) -> None:
        artifact = Artifact.objects.get(alias=alias)
        path = folder_of(bundle.FAMILY, artifact.uuid) / "select.txt"
        text = path.read_bytes()
        path.write_bytes(text[:-1] + b"?")  # of the same size

    def test_damaged_bundle_leaves_the_previous_one_serving(
        self, api: Any, client: Any, trained: Trained, alice: str, own_files: Path
    ) -> None:
        self.damage(Artifact.Alias.PRODUCTION)
        answer = feed(api, alice)
        assert answer["ranker"] == trained.previous
        assert answer["degraded"] == ["bundle"]
        assert len(answer["items"]) == 10
        ready = client.get("/readyz").json()
        assert ready["status"] == "degraded"
        assert "select.txt was altered" in ready["degraded"]["bundle"]

    def test_damaged_bundles_leave_taste_serving(
        self, api: Any, client: Any, alice: str, own_files: Path
    ) -> None:
        self.damage(Artifact.Alias.PRODUCTION)
        self.damage(Artifact.Alias.PREVIOUS)
        answer = feed(api, alice)
        assert answer["ranker"] == "taste_order"
        assert {"bundle", "scorer:learned_select"} <= set(answer["degraded"])
        assert len(answer["items"]) == 10
        assert client.get("/readyz").json()["status"] == "degraded"

    def test_bundle_damaged_while_it_serves_goes_on_serving(
        self, api: Any, trained: Trained, alice: str, own_files: Path
    ) -> None:
        before = ids(feed(api, alice))
        self.damage(Artifact.Alias.PRODUCTION)
        answer = feed(api, alice)
        assert answer["ranker"] == trained.serving
        assert not set(before) & set(ids(answer))

    def test_bundle_that_does_not_prove_itself_is_not_published(self, own_files: Path) -> None:
        promoted = bundle.production()
        assert promoted is not None
        broken = promoted.retrieval.vectors.copy()
        broken[0, 0] = np.nan

        def write(folder: Path) -> dict[str, Any]:
            source = folder_of(bundle.FAMILY, Artifact.objects.get(alias="production").uuid)
            shutil.copytree(source, folder, dirs_exist_ok=True)
            np.save(folder / "vectors.npy", broken)
            return {}

        with pytest.raises(ArtifactError, match="vectors are damaged"):
            publish_artifact(bundle.FAMILY, write)
        assert Artifact.objects.count() == 2
        assert len(list((own_files / bundle.FAMILY).iterdir())) == 2

    def test_training_is_left_out_where_a_bundle_serves(self) -> None:
        assert "nothing was trained" in run("train", "--if-missing")
        assert Artifact.objects.count() == 2


def test_order_follows_interest_more_than_select_does_and_not_the_duration(
    trained: Trained,
) -> None:
    # 250 viewers of six days; benchmarks/interest.py has the figures of the whole demo world.
    found = correlations(trained.world, n_viewers=30)
    assert found["score"]["interest"] > 0.5
    assert found["score"]["interest"] > found["select"]["interest"] + 0.05
    assert abs(found["score"]["duration"]) < 0.15


def test_demo_world_is_not_added_to_contents_that_are_there() -> None:
    n_events = Event.objects.count()
    said = run("seed_demo", "--viewers", 10, "--contents", 20, "--days", 1, "--quiet")
    assert "contents already" in said
    assert Event.objects.count() == n_events


def test_views_of_the_world_are_in_the_log() -> None:
    assert Event.objects.filter(kind=EventType.VIEW).count() > 5_000
