"""What the page of versions shows: what they were trained on, and how well they learned."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.core.artifacts import folder_of
from apps.core.clock import parse_moment, to_datetime
from apps.core.models import Artifact, ArtifactMove
from apps.core.versions import failed_gates
from apps.learning.models import Rollout

_SHOWN = 30  # versions, the latest
_MOVES = 12
_CURVES = 4  # versions whose loss is drawn
_LOSSES = "pass_losses"
_AUC = " auc"


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version."""

    artifact: Artifact
    n_events: int | None
    data_until: datetime | None
    train_seconds: float | None
    gates: str
    failed: list[str]


@dataclass(frozen=True, slots=True)
class RolloutRow:
    """A candidate on its way."""

    rollout: Rollout
    since: datetime


def families() -> list[str]:
    """Return the kinds of what is learned."""
    return sorted(Artifact.objects.order_by().values_list("family", flat=True).distinct())


def versions(family: str) -> list[VersionRow]:
    """Return the latest versions, the newest first: one query."""
    found = Artifact.objects.filter(family=family).order_by("-pk")[:_SHOWN]
    return [_row(artifact) for artifact in found]


def rollout() -> RolloutRow | None:
    """Return the latest rollout: one query."""
    latest = Rollout.objects.select_related("candidate", "baseline", "experiment").order_by("-pk")
    found = latest.first()
    return RolloutRow(found, to_datetime(found.since_ms)) if found else None


def moves(family: str) -> list[ArtifactMove]:
    """Return what was last decided about versions of a family, the newest first: one query."""
    return list(ArtifactMove.objects.filter(family=family).order_by("-pk")[:_MOVES])


def auc_chart(rows: list[VersionRow]) -> dict[str, Any]:
    """Return the AUC that the gates measured of each head, by version, the oldest first."""
    ordered = [row.artifact for row in reversed(rows)]
    numbers = [_numbers(artifact) for artifact in ordered]
    names = sorted({n for by_name in numbers for n in by_name if n.lower().endswith(_AUC)})
    ours = [name for name in names if not name.startswith("production")]
    lines = [{"label": n, "values": [_number(by_name.get(n)) for by_name in numbers]} for n in ours]
    return {"unit": "AUC", "labels": [str(a) for a in ordered], "lines": lines}


def loss_chart(rows: list[VersionRow]) -> dict[str, Any]:
    """Return the loss of held-out examples after each pass of the network, of a few versions."""
    lines = [
        {"label": str(row.artifact), "values": losses}
        for row in rows
        if (losses := _pass_losses(row.artifact))
    ][:_CURVES]
    longest = max((len(line["values"]) for line in lines), default=0)
    labels = [f"pass {i + 1}" for i in range(longest)]
    return {"unit": "held-out loss", "labels": labels, "lines": lines}


def _row(artifact: Artifact) -> VersionRow:
    facts = artifact.manifest
    until = facts.get("data_until")
    said = Counter(verdict["state"] for verdict in artifact.gates)
    return VersionRow(
        artifact=artifact,
        n_events=facts.get("n_events"),
        data_until=to_datetime(parse_moment(until)) if until else None,
        train_seconds=facts.get("train_seconds"),
        gates=", ".join(f"{n} {state}" for state, n in said.items()) or "not asked",
        failed=failed_gates(artifact),
    )


def _numbers(artifact: Artifact) -> dict[str, Any]:
    return {name: v for verdict in artifact.gates for name, v in verdict["numbers"].items()}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _pass_losses(artifact: Artifact) -> list[float]:
    """Return what the version's own facts say; nothing where its files are gone or older."""
    folder = folder_of(artifact.family, artifact.uuid)
    for path in sorted(folder.glob("**/neural.json")):
        try:
            return [float(loss) for loss in json.loads(path.read_text()).get(_LOSSES, [])]
        except (OSError, ValueError):
            return []
    return []
