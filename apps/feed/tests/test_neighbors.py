"""Viewers like one viewer, over the API: by pseudonym, for server keys only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from apps.content.tests.factories import HOUR_MS, make_content, make_contents
from apps.core import live
from apps.core.clock import now_ms
from apps.events.tests.factories import make_event, send
from apps.learning.conf import TrainingParams
from apps.learning.services import train_and_publish
from apps.profiles.models import Viewer
from apps.profiles.pseudonyms import pseudonym

pytestmark = pytest.mark.slow


def watch_all() -> None:
    """Let even viewers watch the first ten contents, odd ones the last ten."""
    make_contents(20, now_ms=now_ms() - 50 * HOUR_MS)
    make_content("rain", "one", now_ms=now_ms() - 9 * HOUR_MS, description="Waltz in rain")
    make_content("sun", "two", now_ms=now_ms() - 9 * HOUR_MS, description="Sun and waves")
    make_content("wet", "three", now_ms=now_ms() - 9 * HOUR_MS, description="Rain on waves")
    start = now_ms() - 20 * HOUR_MS
    for viewer in range(20):
        rows = [(viewer % 2) * 10 + (viewer + i) % 10 for i in range(8)]
        events = [
            make_event(
                content_id=f"v{row}",
                user_id=f"u{viewer}",
                at_ms=start + viewer * 1000 + i,
                watch_duration=20,
            )
            for i, row in enumerate(rows)
        ]
        send(*events, now_ms=now_ms())


@pytest.fixture(scope="module")
def learned(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Store, commit and train once; give the folder of what was learned."""
    root = tmp_path_factory.mktemp("artifacts")
    with django_db_blocker.unblock(), override_settings(ARTIFACT_ROOT=root, REFRESH_SECONDS=0):
        live.reset_all()
        try:
            watch_all()
            train_and_publish(TrainingParams(), say=lambda _: None)
            yield root
        finally:
            live.reset_all()
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def trained(learned: Path, api: Any, settings: Any) -> Any:
    settings.ARTIFACT_ROOT = learned
    return api


def test_viewers_of_the_same_contents_are_named_by_pseudonym(trained: Any) -> None:
    answer = trained.get("users/u4/neighbors", limit=5)
    assert answer.status_code == 200, answer.content
    found = answer.json()
    alike = {str(pseudonym(f"u{viewer}")) for viewer in range(0, 20, 2)}
    assert found["viewer"] == str(pseudonym("u4"))
    assert len(found["neighbors"]) == 5
    assert {n["viewer"] for n in found["neighbors"]} <= alike - {found["viewer"]}
    assert b"u4" not in answer.content
    similarities = [n["similarity"] for n in found["neighbors"]]
    assert similarities == sorted(similarities, reverse=True)
    # Two of ten contents are left out by each: eight and eight share six at least.
    assert min(n["n_both_met"] for n in found["neighbors"]) >= 6


def test_last_events_move_the_neighbors(trained: Any) -> None:
    events = [
        make_event(
            content_id=f"v{row}", user_id="newcomer", at_ms=now_ms() - 100, watch_duration=20
        )
        for row in (12, 13, 14)
    ]
    send(*events, now_ms=now_ms())
    found = trained.get("users/newcomer/neighbors", limit=3).json()["neighbors"]
    odd = {str(pseudonym(f"u{viewer}")) for viewer in range(1, 20, 2)}
    assert {n["viewer"] for n in found} <= odd


def test_who_refused_personalization_has_no_neighbors_and_is_nobodys(trained: Any) -> None:
    named = str(pseudonym("u6"))

    def neighbors(user: str) -> set[str]:
        found = trained.get(f"users/{user}/neighbors", limit=20).json()["neighbors"]
        return {neighbor["viewer"] for neighbor in found}

    assert neighbors("u6")
    assert named in neighbors("u4")
    trained.put("users/u6", {"preferences": {"personalization": False}})
    assert not neighbors("u6")
    assert named not in neighbors("u4")


def test_client_token_may_not_learn_about_others(trained: Any) -> None:
    token = trained.post("client-tokens", {"user_id": "u4"}).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    answer = trained.client.get("/api/v1/users/u4/neighbors", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "server-key-only"


def test_unknown_viewer_is_not_found_and_not_made(trained: Any) -> None:
    before = Viewer.objects.count()
    assert trained.get("users/nobody/neighbors").status_code == 404
    assert Viewer.objects.count() == before


def test_new_upload_is_similar_to_what_it_is_about(trained: Any) -> None:
    # No sound, tag, category or creator in common: only words.
    make_content("upload", "else", now_ms=now_ms() - 1000, description="A waltz in the rain")
    found = trained.get("content/upload/similar", limit=9).json()["items"]
    assert {item["content_id"] for item in found} == {"rain", "wet"}


@pytest.mark.django_db
def test_before_the_first_training_there_are_none(api: Any) -> None:
    make_contents(2, now_ms=now_ms() - HOUR_MS)
    send(make_event(content_id="v1", user_id="u1", at_ms=now_ms() - 5), now_ms=now_ms())
    assert api.get("users/u1/neighbors").json()["neighbors"] == []
