"""The chain from a candidate to what serves everybody, looked at each minute (ADR 19).

shadow → canary 5 % → canary 25 % → promoted, the version before held back → done
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from apps.core import artifacts
from apps.core.artifacts import ArtifactError
from apps.core.clock import to_datetime
from apps.core.leases import lease
from apps.core.models import Artifact, ArtifactMove
from apps.experiments import selectors as experiments
from apps.experiments.models import Experiment
from apps.learning import gates
from apps.learning.algorithms.promotion import State
from apps.learning.bundle import FAMILY
from apps.learning.conf import RolloutParams
from apps.learning.models import Rollout
from apps.learning.rollout import steps
from apps.learning.rollout.judging import judge_canary
from apps.learning.rollout.looks import look, passes_shadow
from apps.learning.rollout.steps import RolloutError, Stage

logger = logging.getLogger(__name__)

OFF, HOLDBACK, CANARY = "off", "holdback", "canary"  # what settings.ROLLOUT may be
_LOOK_MS = 600_000  # between two looks at shadow scores


def tick(*, mode: str, now_ms: int, params: RolloutParams | None = None) -> Rollout | None:
    """Do the next step if one is due, one worker at a time; return the rollout it belongs to.

    mode: `canary` begins with each proven candidate, `holdback` with what was promoted otherwise,
    `off` begins nothing. What is under way goes on in any mode.
    """
    params = params or RolloutParams()
    with lease("rollout") as is_mine:
        if not is_mine:
            return None
        try:
            rollout = steps.current() or _begun(mode, params, now_ms)
            if rollout is not None:
                _ADVANCE[rollout.stage](rollout, params, now_ms)
        except (RolloutError, ArtifactError) as error:
            logger.warning("the rollout has to wait: %s", error)
            return None
        return rollout


def _begun(mode: str, params: RolloutParams, now_ms: int) -> Rollout | None:
    """Begin what is due."""
    if mode == OFF:
        return None
    production = artifacts.production_artifact(FAMILY)
    candidate = artifacts.named_artifact(FAMILY, Artifact.Alias.CANDIDATE)
    if mode == CANARY and production and candidate and _is_ready(candidate):
        return steps.begin_shadow(candidate, by=steps.ITSELF, now_ms=now_ms)
    previous = artifacts.named_artifact(FAMILY, Artifact.Alias.PREVIOUS)
    if production and previous and _is_to_be_watched(production, previous, params, now_ms):
        return steps.begin_holdback(production, previous, params, now_ms=now_ms)
    return None


def _is_ready(candidate: Artifact) -> bool:
    return _is_new(candidate) and gates.is_passed(candidate)


def _is_new(artifact: Artifact) -> bool:
    return not Rollout.objects.filter(candidate=artifact).exists()


def _is_to_be_watched(
    artifact: Artifact, previous: Artifact, params: RolloutParams, now_ms: int
) -> bool:
    """Say whether it was promoted lately and by no rollout; not who went back to an older one."""
    if not params.holdback_percent or artifact.pk < previous.pk or not _is_new(artifact):
        return False
    after = to_datetime(now_ms) - timedelta(milliseconds=params.holdback_ms)
    moves = ArtifactMove.objects.filter(family=FAMILY, version=str(artifact), move="serves")
    return moves.filter(at__gte=after).exists()


def _shadow(rollout: Rollout, params: RolloutParams, now_ms: int) -> None:
    if _is_settled(rollout, params, now_ms):
        return
    elapsed_ms = now_ms - rollout.since_ms
    if elapsed_ms < params.shadow_ms or now_ms - rollout.looked_ms < _LOOK_MS:
        return
    Rollout.objects.filter(pk=rollout.pk).update(looked_ms=now_ms)
    assert rollout.candidate is not None
    assert rollout.baseline is not None
    verdicts = look(rollout.candidate, rollout.baseline, params, now_ms=now_ms)
    failed = [verdict for verdict in verdicts if verdict.state == State.FAILED]
    if failed:
        why = "; ".join(f"{verdict.gate}: {verdict.reason}" for verdict in failed)
        steps.refuse(rollout, why=why, now_ms=now_ms)
    elif passes_shadow(verdicts):
        why = "shadow scores are no worse"
        steps.to_canary(rollout, params.percents[0], params, why=why, now_ms=now_ms)
    elif elapsed_ms > params.most_ms:
        steps.refuse(rollout, why="too little traffic to score in shadow", now_ms=now_ms)


def _canary(rollout: Rollout, params: RolloutParams, now_ms: int) -> None:
    if _is_settled(rollout, params, now_ms):
        return
    assert rollout.candidate is not None
    assert rollout.experiment is not None
    wider = [percent for percent in params.percents if percent > rollout.percent]
    elapsed_ms = now_ms - rollout.since_ms
    harm = experiments.harm_of(rollout.experiment)
    verdict = judge_canary(
        experiments.report_of(rollout.experiment),
        harm,
        params,
        is_refresh=gates.is_refresh(rollout.candidate, rollout.baseline),
        is_last=not wider,
        elapsed_ms=elapsed_ms,
    )
    gates.keep(rollout.candidate, [verdict])
    if verdict.state == State.FAILED:
        steps.refuse(rollout, why=f"guardrail: {verdict.reason}", now_ms=now_ms)
    elif rollout.experiment.status != Experiment.Status.RUNNING:
        steps.end(rollout, by=steps.ITSELF, why="its experiment was stopped", now_ms=now_ms)
    elif not rollout.is_automatic:
        return
    elif verdict.state == State.PASSED and wider:
        steps.to_canary(rollout, wider[0], params, why=verdict.reason, now_ms=now_ms)
    elif verdict.state == State.PASSED:
        steps.promote(rollout, params, why=verdict.reason, now_ms=now_ms)
    elif elapsed_ms > params.most_ms:
        steps.refuse(rollout, why=f"unproven in time: {verdict.reason}", now_ms=now_ms)


def _holdback(rollout: Rollout, params: RolloutParams, now_ms: int) -> None:
    if not _serves(rollout):
        steps.end(rollout, by=steps.ITSELF, why="another version serves", now_ms=now_ms)
        return
    assert rollout.experiment is not None
    if harm := experiments.harm_of(rollout.experiment):
        worse = ", ".join(f"{c.label} is worse" for c in harm)
        steps.roll_back(rollout, why=f"guardrail: {worse}", now_ms=now_ms)
    elif rollout.experiment.status != Experiment.Status.RUNNING:
        steps.end(rollout, by=steps.ITSELF, why="its experiment was stopped", now_ms=now_ms)
    elif now_ms - rollout.since_ms >= params.holdback_ms:
        steps.finish(rollout, now_ms=now_ms)


def _is_settled(rollout: Rollout, params: RolloutParams, now_ms: int) -> bool:
    """Say whether somebody has decided already: promoted the candidate, or changed either side."""
    if _serves(rollout):
        steps.to_holdback(rollout, params, now_ms=now_ms)
        return True
    named = Artifact.objects.filter(family=FAMILY, alias__isnull=False)
    pks = dict(named.values_list("alias", "pk"))
    ours = (rollout.candidate_id, rollout.baseline_id)
    if ours == (pks.get(Artifact.Alias.CANDIDATE), pks.get(Artifact.Alias.PRODUCTION)):
        return False
    why = "another version was trained or promoted meanwhile"
    steps.end(rollout, by=steps.ITSELF, why=why, now_ms=now_ms)
    return True


def _serves(rollout: Rollout) -> bool:
    production = artifacts.production_artifact(FAMILY)
    return production is not None and production.pk == rollout.candidate_id


_ADVANCE: dict[str, Callable[[Rollout, RolloutParams, int], None]] = {
    Stage.SHADOW: _shadow,
    Stage.CANARY: _canary,
    Stage.HOLDBACK: _holdback,
}
