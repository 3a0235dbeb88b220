"""The demo: seeded once, however often it is asked for."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from apps.content.models import Content
from apps.core.clock import now_ms
from apps.core.models import ApiKey, Artifact
from apps.events.models import Event
from apps.moderation.models import ScreeningVerdict
from apps.moderation.screening import production, screen_changes
from apps.profiles.models import Creator, CreatorRelation, Viewer
from apps.simulation.services import store_world
from apps.simulation.world import WorldParams, build_world

pytestmark = pytest.mark.django_db
OF_VISITORS = [
    "Kayaking under the northern lights",
    "Three card tricks for beginners",
    "Magic trick fails",
    "How clocks work",
    "Karaoke with my sister",
    "Papa cocina paella",
    "Ramen from scratch",
    "Berlin bei Nacht",
]
COUNTED = (Content, Creator, Viewer, Event, CreatorRelation)


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def seed() -> str:
    return run("seed_demo", "--viewers", "15", "--contents", "40", "--days", "2", "--quiet")


def counts() -> list[int]:
    return [model.objects.count() for model in COUNTED]


def test_seeding_twice_doubles_nothing() -> None:
    said = seed()
    first = counts()
    assert f"15 viewers, 40 contents, {first[3]:,} events" in said
    assert first[:1] == [40]
    assert first[2] == 15
    assert first[3] > 0
    assert "not added" in seed()
    assert counts() == first


def test_seeding_that_is_cut_short_leaves_nothing() -> None:
    def stop(what: str, _more: int, _of: int) -> None:
        if what == "events":
            raise KeyboardInterrupt

    world = build_world(WorldParams(n_viewers=15, n_contents=40, n_days=2))
    with pytest.raises(KeyboardInterrupt):
        store_world(world, now_ms=world.params.end_ms, progress=stop)
    assert counts() == [0] * len(COUNTED)


def test_world_too_small_to_learn_from_is_refused_with_its_size() -> None:
    with pytest.raises(CommandError, match="0 views in the log, at least 100 are needed"):
        run("train", "--quiet")
    assert not Artifact.objects.exists()


@pytest.mark.parametrize(
    "command",
    [("recommend", "--users", "users.txt"), ("score", "--pairs", "pairs.csv")],
    ids=lambda c: c[0],
)
def test_commands_that_need_a_bundle_say_how_to_get_one(command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"manage\.py train"):
        run(*command, "--out", "nowhere.csv")


def test_access_to_the_demo_is_renewed_and_the_old_key_ends() -> None:
    keys = [run("demo_access").partition("API key")[2].split()[0] for _ in range(2)]
    assert len(set(keys)) == 2
    usable = ApiKey.objects.filter(name="demo", revoked_at=None)
    assert [f"rk_{key.prefix}" for key in usable] == [keys[1][:11]]


def test_demo_has_a_moderator_who_may_open_the_queue(client: Client) -> None:
    password = run("demo_access").partition("moderator ")[2].split()[0]

    assert client.login(username="moderator", password=password)

    assert client.get("/moderation/").status_code == 200
    assert client.get("/moderation/appeals/").status_code == 200


class TestModeration:
    @pytest.fixture(autouse=True)
    def _folder(self, settings: Any, tmp_path: Path) -> None:
        settings.VAR_DIR = tmp_path

    def test_there_is_something_to_screen_and_a_demo_classifier_that_does(
        self, client: Client
    ) -> None:
        seed()

        assert "24 uploads" in run("seed_moderation")

        moment = now_ms()
        screen_changes(production(), now_ms=moment)
        planted = ScreeningVerdict.objects.filter(content__content_id__startswith="v_troll")
        assert planted.filter(zone="block", category="spam").exists()
        others = ScreeningVerdict.objects.exclude(pk__in=planted)
        assert "block" not in others.values_list("zone", flat=True)
        client.force_login(User.objects.create_superuser("ada"))
        assert b"A demo classifier screens the texts" in client.get("/moderation/").content

    def test_what_a_visitor_writes_of_their_own_video_is_not_held_back(self) -> None:
        run("seed_demo", "--viewers", "15", "--contents", "600", "--days", "1", "--quiet")
        run("seed_moderation")
        screening = production()
        assert screening is not None

        for category, classifier in screening.classifiers.items():
            zones = [classifier.zones.of(s) for s in classifier.scores(OF_VISITORS).tolist()]
            assert set(zones) == {"allow"}, category

    def test_seeding_twice_plants_nothing_more(self) -> None:
        seed()
        run("seed_moderation")
        first = counts()

        assert "already" in run("seed_moderation")

        assert counts() == first
        assert Artifact.objects.filter(family="screening").count() == 1

    def test_without_contents_it_says_what_to_do(self) -> None:
        with pytest.raises(CommandError, match=r"manage\.py seed_demo"):
            run("seed_moderation")
