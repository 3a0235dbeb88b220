"""Versions of something learned, as people look at them and choose among them."""

from __future__ import annotations

from typing import Any, NamedTuple

from apps.core.artifacts import (
    ArtifactError,
    named_artifact,
    promote_artifact,
    verified_folder,
)
from apps.core.models import Artifact

FAILED = "failed"  # what a gate says that refuses a version
_NOT_COMPARED = ("files", "libraries", "importance", "params")


class Compared(NamedTuple):
    """One fact of two versions."""

    name: str
    one: str
    other: str


def version_named(family: str, pk: int | None) -> Artifact:
    """Return the version with the number, or the candidate; raise `ArtifactError` without one."""
    if pk is None:
        found = named_artifact(family, Artifact.Alias.CANDIDATE)
        missing = f"{family}: there is no candidate; name a version of manage.py versions"
    else:
        found = Artifact.objects.filter(family=family, pk=pk).first()
        missing = f"{family}@{pk}: there is no such version; look at manage.py versions"
    if found is None:
        raise ArtifactError(missing)
    return found


def promote_checked(artifact: Artifact, *, force: bool, by: str = "", why: str = "") -> None:
    """Promote a version whose files are whole and that no gate has failed, unless forced."""
    if (failed := failed_gates(artifact)) and not force:
        raise ArtifactError(f"{artifact}: failed by {', '.join(failed)}; --force overrules")
    verified_folder(artifact)
    promote_artifact(artifact, by=by, why=why)


def failed_gates(artifact: Artifact) -> list[str]:
    """Return the gates that have refused the version."""
    return [verdict["gate"] for verdict in artifact.gates if verdict["state"] == FAILED]


def comparison(one: Artifact, other: Artifact | None) -> list[Compared]:
    """Return the facts and gates' numbers of two versions side by side."""
    ours, theirs = _facts(one), _facts(other) if other else {}
    names = dict.fromkeys([*ours, *theirs])
    return [Compared(name, ours.get(name, "–"), theirs.get(name, "–")) for name in names]


def _facts(artifact: Artifact) -> dict[str, str]:
    facts = {name: v for name, v in artifact.manifest.items() if name not in _NOT_COMPARED}
    for verdict in artifact.gates:
        facts[verdict["gate"]] = verdict["state"]
        facts |= {f"{verdict['gate']}: {name}": v for name, v in verdict["numbers"].items()}
    return {name: _text(value) for name, value in facts.items()}


def _text(value: Any) -> str:
    return f"{value:,.4f}" if isinstance(value, float) else "–" if value is None else str(value)
