"""Many at once: nothing is lost, doubled or refused."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_content
from apps.core.artifacts import production_artifact
from apps.core.auth import create_key
from apps.core.errors import Problem
from apps.core.models import ArtifactMove
from apps.events.models import Event
from apps.learning.models import Rollout
from apps.learning.rollout import steps
from apps.learning.rollout.steps import RolloutError
from apps.learning.tests.rollout.factories import PARAMS as ROLLOUT
from apps.learning.tests.rollout.factories import make_candidate
from apps.moderation.models import AuditEntry, Case
from apps.moderation.services import cases
from apps.moderation.services.audit import broken_at, record
from apps.moderation.services.reports import NoticeGiven, give_notice
from apps.moderation.tests.factories import make_case, make_user
from apps.profiles import privacy
from apps.profiles.models import Creator, CreatorRelation, Viewer

pytestmark = pytest.mark.django_db(transaction=True)
N_THREADS = 4


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Run `work(i)` in several threads that start together; return what each returned."""
    start = threading.Barrier(N_THREADS)
    results: list[Any] = [None] * N_THREADS

    def run(i: int) -> None:
        try:
            start.wait(60)
            results[i] = work(i)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(i,)) for i in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def post(api_with: Callable[..., Any]) -> Callable[[str, Any], Any]:
    key = create_key(name="k", scopes=["events:write", "content:write", "users:write"])
    return lambda path, body: api_with(key=key).post(path, body)


def test_same_events_in_any_order_from_many_clients_are_stored_once(post: Any) -> None:
    kinds = ["view", "like", "follow", "hide"]
    events = [
        {
            "type": kinds[i % 4],
            "user_id": f"user{i % 60}",
            "creator_id": f"creator{i % 30}",
            "content_id": f"v{i % 40}",
            "event_id": f"e{i}",
        }
        for i in range(120)
    ]

    def work(i: int) -> list[int]:
        mine = random.Random(i).sample(events, len(events))
        return [post("events", mine).status_code for _ in range(3)]

    answers = at_once(work)

    assert answers == [[202] * 3] * N_THREADS
    assert Event.objects.count() == 0  # they wait for their contents
    rows = [{"content_id": f"v{i}", "creator_id": "bob"} for i in range(40)]
    assert post("content/batch", rows).status_code == 200
    assert Event.objects.count() == 120
    assert Viewer.objects.count() == 60
    assert Creator.objects.count() == 31  # and bob
    assert CreatorRelation.objects.count() == 30  # 15 viewers follow, 15 others hide


def test_same_events_about_known_contents_in_any_order_are_stored_once(post: Any) -> None:
    post("content/batch", [{"content_id": f"v{i}", "creator_id": "bob"} for i in range(40)])
    post("users/batch", [{"user_id": f"user{i}"} for i in range(20)])  # no first batch locks them
    events = [
        {
            "type": "view",
            "user_id": f"user{i % 20}",
            "content_id": f"v{i % 40}",
            "event_id": f"e{i}",
        }
        for i in range(400)
    ]

    def work(i: int) -> int:
        mine = random.Random(i).sample(events, len(events))
        answers = [post("events", mine[k : k + 200]).json() for k in (0, 200)]
        return sum(answer["accepted"] for answer in answers)

    assert sum(at_once(work)) == Event.objects.count() == 400


def test_same_contents_in_any_order_from_many_clients_are_stored_once(post: Any) -> None:
    rows = [
        {
            "content_id": f"v{i}",
            "creator_id": f"creator{i % 9}",
            "metadata": {"audio_id": f"song{i % 7}", "description": f"text {i}"},
        }
        for i in range(60)
    ]

    def work(i: int) -> list[int]:
        mine = random.Random(i).sample(rows, len(rows))
        return [post("content/batch", mine).status_code for _ in range(3)]

    answers = at_once(work)

    assert answers == [[200] * 3] * N_THREADS
    stored = dict(Content.objects.values_list("content_id", "description"))
    assert stored == {f"v{i}": f"text {i}" for i in range(60)}


def test_same_users_in_any_order_from_many_clients_are_stored_once(post: Any) -> None:
    rows = [
        {
            "user_id": f"user{i}",
            "demographics": {"language": "en"},
            "preferences": {"creators_followed": [f"creator{i % 5}", f"creator{i % 3}"]},
        }
        for i in range(60)
    ]

    def work(i: int) -> list[int]:
        mine = random.Random(i).sample(rows, len(rows))
        return [post("users/batch", mine).status_code for _ in range(3)]

    answers = at_once(work)

    assert answers == [[200] * 3] * N_THREADS
    assert Viewer.objects.filter(language="en").count() == 60


def test_case_is_claimed_by_one_of_many_moderators() -> None:
    case = make_case()
    users = [make_user(f"mo{i}") for i in range(N_THREADS)]

    def claim(i: int) -> bool:
        try:
            cases.claim(case.pk, user=users[i], now_ms=NOW_MS)
        except Problem:
            return False
        return True

    assert sorted(at_once(claim)) == [False, False, False, True]


def test_audit_log_of_many_writers_is_one_chain() -> None:
    at_once(
        lambda i: [record("tried", f"case:{i}", actor="system", now_ms=NOW_MS) for _ in range(10)]
    )

    assert AuditEntry.objects.count() == 10 * N_THREADS
    assert broken_at() is None


def test_reports_at_once_make_one_case_of_a_content() -> None:
    make_content("v1")
    given = NoticeGiven("v1", "illegal", "It is stolen")

    at_once(lambda i: give_notice(given, now_ms=NOW_MS))

    assert Case.objects.get().n_reports == N_THREADS


def test_of_many_who_begin_a_canary_one_does() -> None:
    _, candidate = make_candidate()

    def begin(i: int) -> str:
        try:
            steps.begin_canary(candidate, 5, ROLLOUT, by=f"admin{i}", why="", now_ms=NOW_MS)
        except RolloutError as error:
            return str(error)
        return "began"

    said = at_once(begin)
    assert said.count("began") == 1
    assert sum("another rollout is under way" in text for text in said) == N_THREADS - 1
    assert ArtifactMove.objects.count() == 1


def test_of_many_who_promote_the_canary_one_does() -> None:
    _, candidate = make_candidate()
    steps.begin_canary(candidate, 5, ROLLOUT, by="ada", why="", now_ms=NOW_MS)
    rollouts = [Rollout.objects.select_related().get() for _ in range(N_THREADS)]

    def promote(i: int) -> bool:
        try:
            steps.promote(rollouts[i], ROLLOUT, why="", now_ms=NOW_MS)
        except RolloutError:
            return False
        return True

    assert at_once(promote).count(True) == 1
    assert production_artifact(candidate.family) == candidate
    assert ArtifactMove.objects.filter(move="serves").count() == 1


def test_erasure_beside_a_stream_of_events_leaves_nothing(post: Any) -> None:
    """Events of a viewer come from three clients while they are erased; none fails, none stays."""
    make_content("v1")
    like = {"type": "like", "user_id": "alice", "content_id": "v1"}

    def work(i: int) -> list[int]:
        if i == 0:
            while not Event.objects.exists():
                pass
            privacy.erase("alice", now_ms=NOW_MS)
            return []
        events = [[{**like, "event_id": f"{i}-{n}"}] for n in range(30)]
        return [post("events", event).status_code for event in events]

    statuses = {status for answers in at_once(work) for status in answers}

    assert statuses <= {202, 410, 422}
    assert not Event.objects.exists()
    assert not Viewer.objects.exists()
