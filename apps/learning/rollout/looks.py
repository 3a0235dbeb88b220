"""Look at what a stored candidate would say of live traffic, and keep what the gates say of it."""

from __future__ import annotations

from datetime import datetime

from apps.content import selectors as content
from apps.core.clock import from_datetime
from apps.core.models import Artifact
from apps.learning import bundle, gates
from apps.learning.algorithms.promotion import GateParams, State, Verdict
from apps.learning.conf import RolloutParams
from apps.learning.rollout import shadow

_MUST_PASS = ("shadow: scores", "shadow: predictions")


def look(
    candidate: Artifact, production: Artifact, params: RolloutParams, *, now_ms: int
) -> list[Verdict]:
    """Score in shadow what was served since both were trained; store the report with the version.

    Raises `ArtifactError` where one of them cannot be loaded.
    """
    catalog = content.catalog()
    verdicts = shadow.compare(
        bundle.load(candidate, catalog),
        bundle.load(production, catalog),
        catalog,
        since_ms=max(_knows_until(candidate), _knows_until(production)),
        now_ms=now_ms,
        params=params,
        gate_params=GateParams(),
        is_refresh=gates.is_refresh(candidate, production),
    )
    gates.keep(candidate, verdicts)
    return verdicts


def passes_shadow(verdicts: list[Verdict]) -> bool:
    """Say whether the canary may begin; the off-policy gate may be silent, but not against it."""
    passed = {verdict.gate for verdict in verdicts if verdict.state == State.PASSED}
    return passed.issuperset(_MUST_PASS) and all(v.state != State.FAILED for v in verdicts)


def _knows_until(artifact: Artifact) -> int:
    until = artifact.manifest.get("data_until")
    return from_datetime(datetime.fromisoformat(until)) + 1 if until else 0
