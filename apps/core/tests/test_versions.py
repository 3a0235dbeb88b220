"""Choosing among versions: by command, in the admin, and by two at once."""

from __future__ import annotations

import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from apps.core.artifacts import (
    ArtifactError,
    folder_of,
    name_candidate,
    production_artifact,
    promote_artifact,
)
from apps.core.models import Artifact
from apps.core.tests.test_artifacts import FAMILY, aliases, make_artifact
from apps.core.versions import comparison, promote_checked

pytestmark = pytest.mark.django_db
Alias = Artifact.Alias
PASSED = {"gate": "offline", "state": "passed", "reason": "no worse", "numbers": {"ndcg@10": 0.25}}
FAILED = {"gate": "offline", "state": "failed", "reason": "worse", "numbers": {"ndcg@10": 0.125}}


def judged(*verdicts: dict[str, Any]) -> Artifact:
    artifact = make_artifact()
    artifact.gates = list(verdicts)
    artifact.save()
    return artifact


def run(command: str, *arguments: Any) -> str:
    out = StringIO()
    call_command(command, *map(str, arguments), "--family", FAMILY, stdout=out)
    return out.getvalue()


class TestCandidate:
    def test_newer_candidate_takes_the_name(self) -> None:
        first, second = make_artifact(), make_artifact()
        name_candidate(first)
        name_candidate(second)
        assert aliases() == {first.pk: None, second.pk: Alias.CANDIDATE}

    def test_version_that_serves_is_never_renamed(self) -> None:
        serving = make_artifact()
        promote_artifact(serving)
        name_candidate(serving)
        assert aliases() == {serving.pk: Alias.PRODUCTION}


class TestPromote:
    def test_candidate_serves_and_gives_up_its_name(self) -> None:
        old, candidate = make_artifact(), judged(PASSED)
        promote_artifact(old)
        name_candidate(candidate)
        assert run("promote") == f"{FAMILY}@{candidate.pk} serves.\n"
        assert aliases() == {old.pk: Alias.PREVIOUS, candidate.pk: Alias.PRODUCTION}

    def test_named_version_serves(self) -> None:
        wanted, _ = make_artifact(), make_artifact()
        run("promote", wanted.pk)
        assert production_artifact(FAMILY) == wanted

    def test_version_that_a_gate_has_failed_is_refused_unless_forced(self) -> None:
        failed = judged(PASSED, FAILED)
        with pytest.raises(CommandError, match="failed by offline"):
            run("promote", failed.pk)
        assert production_artifact(FAMILY) is None
        run("promote", failed.pk, "--force")
        assert production_artifact(FAMILY) == failed

    def test_damaged_version_is_refused_even_when_forced(self) -> None:
        damaged = make_artifact()
        (folder_of(FAMILY, damaged.uuid) / "weights.txt").write_text("bads")
        with pytest.raises(ArtifactError, match="altered"):
            promote_checked(damaged, force=True)
        assert production_artifact(FAMILY) is None

    @pytest.mark.parametrize(
        ("version", "said"), [((), "no candidate"), ((99,), "no such version")]
    )
    def test_version_that_is_not_there_is_named(self, version: tuple[int, ...], said: str) -> None:
        with pytest.raises(CommandError, match=said):
            run("promote", *version)


class TestAtOnce:
    """The race is played in its worst order: both have read what serves before either writes."""

    def test_of_two_promotions_exactly_one_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        old, one, other = (make_artifact() for _ in range(3))
        promote_artifact(old)
        monkeypatch.setattr("apps.core.artifacts.production_artifact", lambda _: old)
        promote_artifact(one)
        with pytest.raises(ArtifactError, match="at the same time"):
            promote_artifact(other)
        assert aliases() == {old.pk: Alias.PREVIOUS, one.pk: Alias.PRODUCTION, other.pk: None}

    def test_of_two_first_promotions_exactly_one_wins(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, other = make_artifact(), make_artifact()
        monkeypatch.setattr("apps.core.artifacts.production_artifact", lambda _: None)
        promote_artifact(one)
        with pytest.raises(ArtifactError, match="at the same time"):
            promote_artifact(other)
        assert aliases() == {one.pk: Alias.PRODUCTION, other.pk: None}

    @pytest.mark.django_db(transaction=True)
    def test_many_connections_leave_exactly_one_serving(self) -> None:
        promote_artifact(make_artifact())
        versions = [make_artifact() for _ in range(4)]
        barrier = threading.Barrier(len(versions))
        won: list[int] = []

        def work(artifact: Artifact) -> None:
            try:
                production_artifact(FAMILY)  # connect before the start
                barrier.wait(60)
                promote_artifact(artifact)
                won.append(artifact.pk)
            except ArtifactError:
                pass
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(v,)) for v in versions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        serving = production_artifact(FAMILY)
        assert serving is not None
        assert serving.pk in won
        assert Artifact.objects.filter(alias=Alias.PRODUCTION).count() == 1
        assert Artifact.objects.filter(alias=Alias.PREVIOUS).count() == 1


def test_rollback_command_goes_back_and_says_so() -> None:
    old, new = make_artifact(), make_artifact()
    promote_artifact(old)
    promote_artifact(new)
    assert run("rollback") == f"{FAMILY}@{old.pk} serves again.\n"
    assert production_artifact(FAMILY) == old


def test_rollback_to_damaged_files_is_refused() -> None:
    old, new = make_artifact(), make_artifact()
    promote_artifact(old)
    promote_artifact(new)
    (folder_of(FAMILY, old.uuid) / "weights.txt").unlink()
    with pytest.raises(CommandError, match="missing"):
        run("rollback")
    assert production_artifact(FAMILY) == new


def test_versions_are_listed_with_their_gates() -> None:
    artifact = judged(PASSED)
    promote_artifact(artifact)
    text = run("versions")
    assert f"{FAMILY}@{artifact.pk}  production" in text
    assert "offline: passed: no worse" in text


def test_comparison_holds_facts_and_numbers_of_both() -> None:
    rows = {row.name: row[1:] for row in comparison(judged(PASSED), judged(FAILED))}
    assert rows["offline"] == ("passed", "failed")
    assert rows["offline: ndcg@10"] == ("0.2500", "0.1250")
    assert rows["auc"] == ("0.7500", "0.7500")


class TestAdmin:
    URL = "/admin/core/artifact/"

    @pytest.fixture
    def staff(self, admin_client: Client) -> Client:
        return admin_client

    def post(self, client: Client, action: str, *artifacts: Artifact, **more: str) -> Any:
        chosen = [str(artifact.pk) for artifact in artifacts]
        body = {"action": action, "_selected_action": chosen, **more}
        return client.post(self.URL, body, follow=True)

    def test_promotion_asks_first_and_shows_what_failed(self, staff: Client) -> None:
        artifact = judged(FAILED)
        page = self.post(staff, "promote", artifact).content.decode()
        assert production_artifact(FAMILY) is None
        assert "Failed by: offline" in page
        assert "Yes, toy@" in page

    def test_confirmed_promotion_serves(self, staff: Client) -> None:
        artifact = judged(PASSED)
        self.post(staff, "promote", artifact, confirmed="yes")
        assert production_artifact(FAMILY) == artifact

    def test_confirmed_rollback_serves_the_version_before(self, staff: Client) -> None:
        old, new = make_artifact(), make_artifact()
        promote_artifact(old)
        promote_artifact(new)
        assert "Roll back to" in self.post(staff, "roll_back", new).content.decode()
        self.post(staff, "roll_back", new, confirmed="yes")
        assert production_artifact(FAMILY) == old

    def test_two_versions_are_compared(self, staff: Client) -> None:
        page = self.post(staff, "compare", judged(PASSED), judged(FAILED)).content.decode()
        assert "0.2500" in page
        assert "0.1250" in page

    def test_rollback_without_a_version_before_says_so(self, staff: Client) -> None:
        artifact = make_artifact()
        assert "no previous version" in self.post(staff, "roll_back", artifact).content.decode()

    def test_who_may_only_look_cannot_promote(self, client: Client, django_user_model: Any) -> None:
        from django.contrib.auth.models import Permission

        viewer = django_user_model.objects.create_user("mo", password="x" * 12, is_staff=True)
        viewer.user_permissions.add(Permission.objects.get(codename="view_artifact"))
        client.force_login(viewer)
        self.post(client, "promote", judged(PASSED), confirmed="yes")
        assert production_artifact(FAMILY) is None

    def test_page_of_a_version_shows_what_gates_said(self, staff: Client) -> None:
        artifact = judged(FAILED)
        page = staff.get(f"{self.URL}{artifact.pk}/change/").content.decode()
        assert "offline: failed: worse" in page
