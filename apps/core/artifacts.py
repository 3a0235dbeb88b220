"""Artifacts: complete or invisible, checked before they serve, never changed afterwards.

An artifact is a folder with files and `manifest.json`. Corrupt Annoy and LightGBM files do not
raise, they kill the process; so each file is hashed before any native load, and a new artifact is
loaded in a child process first.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.core.errors import RecsysError
from apps.core.models import Artifact, ArtifactMove

MANIFEST = "manifest.json"
KEPT_VERSIONS = 3  # besides those that an alias names
CHECK_TIMEOUT_SECONDS = 300
_LIBRARIES = ("numpy", "scipy", "lightgbm", "annoy")


class ArtifactError(RecsysError):
    """An artifact is damaged, incomplete or did not prove itself."""


def publish_artifact(
    family: str, write: Callable[[Path], dict[str, Any]], *, promote: bool = True
) -> Artifact:
    """Write, check and register a new version; with `promote` it serves at once.

    Without it becomes the candidate.

    `write(folder)` fills the folder and returns facts for the manifest. Raises `ArtifactError`
    when the check in the child process fails; then nothing is published.
    """
    artifact = store_artifact(family, write, check=lambda folder: _check_in_child(family, folder))
    if promote:
        promote_artifact(artifact, by="training")
    else:
        name_candidate(artifact)
    artifact.refresh_from_db()
    forget_old(family)
    return artifact


def store_artifact(
    family: str, write: Callable[[Path], dict[str, Any]], *, check: Callable[[Path], None]
) -> Artifact:
    """Write, check and register a version that no alias names yet.

    `check(folder)` raises where what was written does not prove itself; then nothing is left.
    """
    artifact_id = uuid.uuid4()
    final = folder_of(family, artifact_id)
    draft = final.with_suffix(".tmp")
    draft.mkdir(parents=True)
    try:
        facts = write(draft)
        manifest = _seal(draft, facts)
        check(draft)
        os.replace(draft, final)
        _fsync(final.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Artifact.objects.create(family=family, uuid=artifact_id, manifest=manifest)


def promote_artifact(
    artifact: Artifact, *, by: str = "", why: str = "", replacing: Artifact | None = None
) -> None:
    """Make this version the production one; the one it replaces becomes `previous`.

    Of promotions at the same time exactly one wins; the others raise `ArtifactError`, as does one
    that was decided while `replacing` served and comes when it does no longer.
    """
    current = replacing or production_artifact(artifact.family)
    if current is not None and current.pk == artifact.pk:
        return
    family = Artifact.objects.filter(family=artifact.family)
    try:
        with transaction.atomic():
            family.filter(alias=Artifact.Alias.PREVIOUS).update(alias=None)
            if current is not None:
                _step_down(current)
            n = family.filter(pk=artifact.pk).update(alias=Artifact.Alias.PRODUCTION)
            if not n:
                raise ArtifactError(f"{artifact}: it was deleted meanwhile")
            record_move(artifact, "serves", by=by, why=why)
    except IntegrityError as error:  # there was none, and another became the first
        raise _overtaken(artifact) from error


def record_move(artifact: Artifact, move: str, *, by: str, why: str = "") -> None:
    """Keep who decided what about a version, and why; what nobody decided is not kept.

    Such is an increment of incremental training, of which there is one every few minutes.
    """
    if not by:
        return
    ArtifactMove.objects.create(
        family=artifact.family, version=str(artifact), move=move, by=by, why=why[:300]
    )


def _step_down(current: Artifact) -> None:
    # A conditional UPDATE and its row count: who comes second finds that it serves no longer.
    serving = Artifact.objects.filter(pk=current.pk, alias=Artifact.Alias.PRODUCTION)
    if not serving.update(alias=Artifact.Alias.PREVIOUS):
        raise _overtaken(current)


def _overtaken(artifact: Artifact) -> ArtifactError:
    return ArtifactError(
        f"{artifact}: another version was promoted at the same time; look at manage.py versions"
    )


def name_candidate(artifact: Artifact) -> None:
    """Make this version the candidate: trained, and waiting for its promotion."""
    family = Artifact.objects.filter(family=artifact.family)
    with transaction.atomic():
        family.filter(alias=Artifact.Alias.CANDIDATE).update(alias=None)
        family.filter(pk=artifact.pk, alias__isnull=True).update(alias=Artifact.Alias.CANDIDATE)


def rollback_artifact(family: str, *, by: str = "", why: str = "") -> Artifact:
    """Make the previous version the production one; raise `ArtifactError` where there is none."""
    previous = named_artifact(family, Artifact.Alias.PREVIOUS)
    if previous is None:
        raise ArtifactError(f"{family}: there is no previous version to roll back to")
    verified_folder(previous)  # what cannot be loaded must not replace what serves
    promote_artifact(previous, by=by, why=f"rolled back: {why}" if why else "rolled back")
    return previous


def withdraw_artifact(family: str) -> None:
    """Let no version of the family serve: what it was made from is gone."""
    Artifact.objects.filter(family=family, alias__isnull=False).update(alias=None)


def named_artifact(family: str, alias: str) -> Artifact | None:
    """Return the version with this alias."""
    return Artifact.objects.filter(family=family, alias=alias).first()


def production_artifact(family: str) -> Artifact | None:
    """Return the version that serves."""
    return named_artifact(family, Artifact.Alias.PRODUCTION)


def folder_of(family: str, artifact_id: uuid.UUID) -> Path:
    """Return where a version's files lie."""
    return Path(settings.ARTIFACT_ROOT) / family / str(artifact_id)


def verified_folder(artifact: Artifact) -> Path:
    """Return the folder of a version after every file's size and hash have been compared."""
    folder = folder_of(artifact.family, artifact.uuid)
    for name, expected in artifact.manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["size"]:
            raise ArtifactError(f"{artifact}: {name} is missing or cut; run manage.py train")
        if _sha256(path) != expected["sha256"]:
            raise ArtifactError(f"{artifact}: {name} was altered; run manage.py train")
    return folder


def _seal(folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    files = {
        str(path.relative_to(folder)): {"size": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    libraries = {name: version(name) for name in _LIBRARIES}
    size = sum((folder / name).stat().st_size for name in files)
    manifest = {**facts, "bytes": size, "files": files, "libraries": libraries}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    for path in folder.rglob("*"):
        _fsync(path)
    _fsync(folder)
    return manifest


def _check_in_child(family: str, folder: Path) -> None:
    """Let a child process load and try the artifact, for what damage would kill this one."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "check_artifact"]
    try:
        result = subprocess.run(  # noqa: S603  fixed program, our own paths
            [*command, family, str(folder)],
            capture_output=True,
            text=True,
            timeout=CHECK_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ArtifactError(f"{family}: the check took over {CHECK_TIMEOUT_SECONDS} s") from error
    if result.returncode != 0:
        raise ArtifactError(
            f"{family}: the check ended with {result.returncode}: {result.stderr[-2000:]}"
        )


def forget_old(family: str) -> None:
    """Delete all but the newest versions that no alias names, with their files."""
    unnamed = Artifact.objects.filter(family=family, alias__isnull=True).order_by("-pk")
    for old in unnamed[KEPT_VERSIONS:]:
        old.delete()
        shutil.rmtree(folder_of(family, old.uuid), ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
