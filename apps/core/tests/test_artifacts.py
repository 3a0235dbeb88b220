"""Artifacts: complete or invisible, checked before they serve, never changed afterwards."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from apps.core import artifacts
from apps.core.artifacts import (
    ArtifactError,
    folder_of,
    production_artifact,
    promote_artifact,
    publish_artifact,
    rollback_artifact,
    verified_folder,
)
from apps.core.models import Artifact

pytestmark = pytest.mark.django_db

FAMILY = "toy"
Alias = Artifact.Alias


@pytest.fixture(autouse=True)
def _child_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "recsys.tests.artifact_settings")


def weights(text: str) -> Callable[[Path], dict[str, Any]]:
    def write(folder: Path) -> dict[str, Any]:
        (folder / "weights.txt").write_text(text)
        (folder / "more").mkdir()
        (folder / "more" / "vectors.bin").write_bytes(b"\x00\x01\x02")
        return {"auc": 0.75}

    return write


def make_artifact(text: str = "good", *, family: str = FAMILY) -> Artifact:
    """Return a registered version whose files were sealed without the check in a child."""
    artifact_id = uuid.uuid4()
    folder = folder_of(family, artifact_id)
    folder.mkdir(parents=True)
    manifest = artifacts._seal(folder, weights(text)(folder))
    return Artifact.objects.create(family=family, uuid=artifact_id, manifest=manifest)


def stored_folders() -> list[str]:
    root = Path(settings.ARTIFACT_ROOT) / FAMILY
    return sorted(p.name for p in root.iterdir()) if root.exists() else []


def aliases() -> dict[int, str | None]:
    return dict(Artifact.objects.values_list("pk", "alias"))


class TestPublish:
    def test_published_artifact_serves_with_its_facts_and_hashes(self) -> None:
        artifact = publish_artifact(FAMILY, weights("good"))

        assert production_artifact(FAMILY) == artifact
        assert artifact.manifest["auc"] == 0.75
        assert artifact.manifest["files"].keys() == {"weights.txt", "more/vectors.bin"}
        assert artifact.manifest["files"]["more/vectors.bin"]["size"] == 3
        assert artifact.manifest["libraries"].keys() >= {"numpy", "lightgbm", "annoy"}

    def test_published_folder_holds_the_manifest_and_no_draft_is_left(self) -> None:
        artifact = publish_artifact(FAMILY, weights("good"), promote=False)

        manifest = (verified_folder(artifact) / "manifest.json").read_text()
        assert json.loads(manifest) == artifact.manifest
        assert stored_folders() == [str(artifact.uuid)]
        assert production_artifact(FAMILY) is None

    def test_artifact_that_fails_its_check_is_not_published(self) -> None:
        serving = make_artifact()
        promote_artifact(serving)

        with pytest.raises(ArtifactError, match="the toy does not work"):
            publish_artifact(FAMILY, weights("bad"))

        assert production_artifact(FAMILY) == serving
        assert stored_folders() == [str(serving.uuid)]

    def test_artifact_that_kills_its_check_is_not_published(self) -> None:
        with pytest.raises(ArtifactError, match="ended with -9"):
            publish_artifact(FAMILY, weights("deadly"))

        assert Artifact.objects.count() == 0
        assert stored_folders() == []

    def test_failure_while_writing_leaves_nothing_behind(self) -> None:
        def write(folder: Path) -> dict[str, Any]:
            (folder / "weights.txt").write_text("half")
            raise OSError("no space left on device")

        with pytest.raises(OSError, match="no space"):
            publish_artifact(FAMILY, write)

        assert Artifact.objects.count() == 0
        assert stored_folders() == []

    def test_family_without_a_check_is_not_published(self) -> None:
        with pytest.raises(ArtifactError, match="ended with 1"):
            publish_artifact("unheard_of", weights("good"))

    def test_old_versions_without_a_name_are_forgotten_with_their_files(self) -> None:
        old = [make_artifact() for _ in range(5)]
        promote_artifact(old[0])

        artifacts.forget_old(FAMILY)

        assert set(aliases()) == {old[0].pk, old[2].pk, old[3].pk, old[4].pk}
        assert not folder_of(FAMILY, old[1].uuid).exists()
        assert folder_of(FAMILY, old[0].uuid).exists()


class TestPromote:
    def test_replaced_version_becomes_the_previous_one(self) -> None:
        first, second, third = (make_artifact() for _ in range(3))

        for artifact in (first, second, third):
            promote_artifact(artifact)

        assert aliases() == {
            first.pk: None,
            second.pk: Alias.PREVIOUS,
            third.pk: Alias.PRODUCTION,
        }

    def test_promoting_what_serves_already_changes_nothing(self) -> None:
        first, second = make_artifact(), make_artifact()
        promote_artifact(first)
        promote_artifact(second)
        before = aliases()

        promote_artifact(second)

        assert aliases() == before

    def test_families_have_their_own_production_version(self) -> None:
        toy, other = make_artifact(), make_artifact(family="other")

        promote_artifact(toy)
        promote_artifact(other)

        assert production_artifact(FAMILY) == toy
        assert production_artifact("other") == other

    def test_database_refuses_two_production_versions_of_a_family(self) -> None:
        promote_artifact(make_artifact())
        second = make_artifact()

        with pytest.raises(IntegrityError), transaction.atomic():
            Artifact.objects.filter(pk=second.pk).update(alias=Alias.PRODUCTION)


class TestRollback:
    def test_rollback_swaps_production_and_previous(self) -> None:
        first, second = make_artifact(), make_artifact()
        promote_artifact(first)
        promote_artifact(second)

        assert rollback_artifact(FAMILY) == first

        assert aliases() == {first.pk: Alias.PRODUCTION, second.pk: Alias.PREVIOUS}

    def test_rollback_of_the_rollback_returns_to_the_newer_version(self) -> None:
        first, second = make_artifact(), make_artifact()
        promote_artifact(first)
        promote_artifact(second)

        rollback_artifact(FAMILY)
        rollback_artifact(FAMILY)

        assert production_artifact(FAMILY) == second

    def test_rollback_without_a_previous_version_is_refused(self) -> None:
        promote_artifact(make_artifact())

        with pytest.raises(ArtifactError, match="no previous version"):
            rollback_artifact(FAMILY)


def _alter(path: Path) -> None:
    path.write_bytes(b"\x00\x01\x03")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\x00")


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


class TestVerifiedFolder:
    def test_untouched_artifact_is_verified(self) -> None:
        artifact = make_artifact()

        assert verified_folder(artifact) == folder_of(FAMILY, artifact.uuid)

    @pytest.mark.parametrize(
        "damage", [_alter, _cut, _empty, _lengthen, Path.unlink, _replace_by_folder]
    )
    def test_damaged_file_is_refused(self, damage: Callable[[Path], None]) -> None:
        artifact = make_artifact()
        damage(folder_of(FAMILY, artifact.uuid) / "more" / "vectors.bin")

        with pytest.raises(ArtifactError, match=r"more/vectors\.bin"):
            verified_folder(artifact)

    def test_missing_folder_is_refused(self) -> None:
        artifact = make_artifact()
        shutil.rmtree(folder_of(FAMILY, artifact.uuid))

        with pytest.raises(ArtifactError, match="missing"):
            verified_folder(artifact)
