"""A viewer asks for their data, and to be forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command

from apps.content.models import Comment, Content
from apps.content.tests.factories import NOW_MS, make_content, make_contents
from apps.core.clock import now_ms
from apps.events.models import Event, QuarantinedEvent, Slate
from apps.events.tests.factories import make_event, send
from apps.experiments.models import Exposure
from apps.features.models import Session
from apps.profiles import privacy
from apps.profiles.models import CreatorRelation, Erasure, Viewer
from apps.profiles.pseudonyms import pseudonym

pytestmark = pytest.mark.django_db

KNOW_VIEWERS = {
    "content.Comment",
    "events.Event",
    "events.Slate",
    "experiments.Exposure",
    "features.Session",
    "insights.FirstDay",
    "insights.ViewerDay",
    "moderation.FlaggedComment",
    "moderation.Report",
    "profiles.CreatorRelation",
}


@pytest.fixture
def _alice(api: Any) -> None:
    """Alice has told, done and been shown something; so has bob."""
    make_contents(30, now_ms=now_ms() - 3_600_000)
    for user in ("alice", "bob"):
        told = {"demographics": {"language": "de"}, "preferences": {"creators_followed": ["c9"]}}
        assert api.put(f"users/{user}", told).status_code == 204
        comment = {
            "type": "comment",
            "user_id": user,
            "content_id": "v1",
            "comment_text": "so nice",
        }
        waiting = {"type": "like", "user_id": user, "content_id": "not yet"}
        assert api.post("events", [comment, waiting]).json()["accepted"] == 2
        assert api.get("feed", user_id=user, limit=5).status_code == 200
        viewer = Viewer.objects.get(pseudonym=pseudonym(user))
        Session.objects.create(
            viewer=viewer,
            started_ms=1,
            ended_ms=2,
            n_events=1,
            n_views=0,
            n_engagements=1,
            watch_ms=0,
        )


def test_tables_that_know_viewers_are_these() -> None:
    """A new one belongs into docs/operations.md, where it is said what is kept of a viewer."""
    assert {model._meta.label for model, _ in privacy.tables()} == KNOW_VIEWERS


def test_no_other_table_has_a_column_for_a_viewer() -> None:
    named = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if "pseudonym" in field.name
    }

    assert named == {
        "profiles.Viewer.pseudonym",
        "profiles.Erasure.pseudonym",
        "events.QuarantinedEvent.viewer_pseudonym",
        "experiments.Override.viewer_pseudonym",
    }


@pytest.mark.usefixtures("_alice")
class TestErasure:
    def rows_of(self, viewer: int, user: str) -> int:
        by_key = [model.objects.filter(**{field: viewer}) for model, field in privacy.tables()]  # type: ignore[attr-defined]
        waiting = QuarantinedEvent.objects.filter(viewer_pseudonym=pseudonym(user))
        return sum(rows.count() for rows in [*by_key, waiting])

    def test_nothing_of_the_viewer_is_left_and_all_of_others_is(self, api: Any) -> None:
        alice, bob = (Viewer.objects.get(pseudonym=pseudonym(u)).pk for u in ("alice", "bob"))
        assert self.rows_of(alice, "alice") >= 5
        before = self.rows_of(bob, "bob")

        answer = api.client.delete("/api/v1/users/alice", headers=api._headers())

        assert answer.status_code == 200
        said = answer.json()["rows"]
        assert said["events.Event"] == 1
        assert said["events.QuarantinedEvent"] == 1
        assert said["events.Slate"] == 1
        assert said["profiles.CreatorRelation"] == 1
        assert self.rows_of(alice, "alice") == 0
        assert self.rows_of(bob, "bob") == before
        assert not Viewer.objects.filter(pseudonym=pseudonym("alice")).exists()

    def test_whoever_was_erased_stays_away_and_others_are_heard(self, api: Any) -> None:
        privacy.erase("alice", now_ms=NOW_MS)
        like = {"type": "like", "content_id": "v2"}

        sent = api.post("events", [{**like, "user_id": "alice"}, {**like, "user_id": "bob"}]).json()

        assert (sent["accepted"], len(sent["rejected"])) == (1, 1)
        assert sent["rejected"][0]["code"] == "user-erased"
        for answer in (
            api.get("feed", user_id="alice"),
            api.put("users/alice", {}),
            api.get("users/alice/export"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (410, "user-erased")
        assert not Viewer.objects.filter(pseudonym=pseudonym("alice")).exists()
        assert QuarantinedEvent.objects.count() == 1  # bob's; nothing refused of alice is kept

    def test_words_no_longer_speak_for_contents(self, api: Any) -> None:
        content, viewer = Content.objects.get(content_id="v1"), Viewer.objects.first()
        Comment.objects.create(content=content, viewer=viewer, text="so nice", said_ms=1)

        made = privacy.erase("alice", now_ms=NOW_MS)

        assert made.counts["content.Comment"] == 1
        assert not Comment.objects.exists()
        assert Content.objects.get(pk=content.pk).changed_ms > content.changed_ms

    def test_asked_again_it_gives_the_first_receipt(self) -> None:
        first = privacy.erase("alice", now_ms=NOW_MS)

        again = privacy.erase("alice", now_ms=NOW_MS + 5)

        assert (again.pk, again.erased_ms, again.counts) == (first.pk, NOW_MS, first.counts)

    def test_viewer_never_heard_of_is_kept_out_as_well(self, api: Any) -> None:
        assert privacy.erase("carol", now_ms=NOW_MS).counts == {}

        assert api.get("feed", user_id="carol").status_code == 410

    def test_waiting_event_does_not_come_back_with_its_content(self) -> None:
        privacy.erase("alice", now_ms=NOW_MS)

        make_content("not yet", now_ms=now_ms())
        send(make_event(content_id="not yet", user_id="bob", event_id="later"), now_ms=now_ms())

        assert not Event.objects.filter(viewer=None).exists()
        assert Erasure.objects.count() == 1

    def test_key_needs_the_scope(self, api_with: Any) -> None:
        api = api_with("feed:read")

        assert api.client.delete("/api/v1/users/alice", headers=api._headers()).status_code == 403
        assert api.get("users/alice/export").status_code == 403


@pytest.mark.usefixtures("_alice")
class TestExport:
    def test_says_all_that_is_stored_in_words(self, api: Any) -> None:
        said = api.get("users/alice/export").json()

        (viewer,) = said["viewers"]
        assert viewer["language"] == "de"
        (event,) = said["events"]
        assert (event["kind"], event["content"]) == ("comment", "v1")
        assert event["info"]["comment_text"] == "so nice"
        (slate,) = said["slates"]
        assert len(slate["contents"]) == 5
        assert all(name.startswith("v") for name in slate["contents"])
        (relation,) = said["creator relations"]
        assert (relation["creator"], relation["kind"]) == ("c9", "Follow")
        assert len(said["quarantined events"]) == 1

    def test_has_every_table_that_knows_viewers(self, api: Any) -> None:
        said = api.get("users/alice/export").json()

        titles = {str(apps.get_model(label)._meta.verbose_name_plural) for label in KNOW_VIEWERS}
        assert set(said) == titles | {"viewers", "quarantined events", "overrides"}

    def test_user_never_heard_of_is_not_found(self, api: Any) -> None:
        assert api.get("users/dave/export").json()["code"] == "unknown-user"

    def test_takes_the_same_queries_for_any_number_of_rows(
        self, django_assert_max_num_queries: Any
    ) -> None:
        for i in range(40):
            event = make_event(at_ms=now_ms(), content_id="v1", user_id="alice", event_id=f"e{i}")
            send(event, now_ms=now_ms())

        with django_assert_max_num_queries(16):
            rows = dict(privacy.export("alice"))

        assert len(rows["events"]) == 41


def test_import_leaves_erased_viewers_out(tmp_path: Any, capsys: Any) -> None:
    make_content("v1")
    privacy.erase("alice", now_ms=NOW_MS)
    lines = [
        json.dumps(
            {
                "type": "like",
                "user_id": user,
                "content_id": "v1",
                "timestamp": "2026-01-01T00:00:00Z",
            }
        )
        for user in ("alice", "bob")
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))

    call_command("import_dataset", "events", str(tmp_path / "log.jsonl"), "--quiet")

    assert Event.objects.count() == 1
    assert not Exposure.objects.exists()
    assert not CreatorRelation.objects.exists()
    assert not Slate.objects.exists()
