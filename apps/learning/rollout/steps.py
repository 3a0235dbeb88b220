"""The steps of a rollout: each is one transaction, and of two at once exactly one happens.

Who decided what, and why, is kept in `ArtifactMove`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction

from apps.core import artifacts
from apps.core.artifacts import ArtifactError
from apps.core.errors import RecsysError
from apps.core.models import Artifact
from apps.core.versions import failed_gates
from apps.experiments.services import ExperimentError
from apps.learning.bundle import FAMILY
from apps.learning.conf import RolloutParams
from apps.learning.models import Rollout
from apps.learning.rollout import viewers

Stage = Rollout.Stage
ITSELF = "rollout"  # who decides, where nobody does


class RolloutError(RecsysError):
    """The rollout cannot begin, go on or end like this; the message says why."""


def current() -> Rollout | None:
    """Return the rollout that is under way."""
    found = Rollout.objects.filter(stage__in=Rollout.OPEN)
    return found.select_related("candidate", "baseline", "experiment").first()


def begin_shadow(candidate: Artifact, *, by: str, now_ms: int) -> Rollout:
    """Let a candidate score what is served, and go on by itself."""
    with _alone():
        rollout = _opened(candidate, Stage.SHADOW, now_ms, is_automatic=True)
        artifacts.record_move(candidate, "shadow", by=by)
        return rollout


def begin_canary(
    candidate: Artifact, percent: int, params: RolloutParams, *, by: str, why: str, now_ms: int
) -> Rollout:
    """Let some viewers have the candidate because somebody said so; they say what follows.

    Raises `RolloutError` where a gate has failed it, it is not the candidate, nothing serves, or
    another rollout is under way.
    """
    if failed := failed_gates(candidate):
        raise RolloutError(f"{candidate}: failed by {', '.join(failed)}")
    if candidate.alias != Artifact.Alias.CANDIDATE:
        raise RolloutError(f"{candidate} is not the candidate; look at manage.py versions")
    artifacts.verified_folder(candidate)
    with _alone():
        rollout = _opened(candidate, Stage.CANARY, now_ms, is_automatic=False)
        _divide(rollout, percent, params, now_ms)
        artifacts.record_move(candidate, f"canary {percent} %", by=by, why=why)
        return rollout


def to_canary(
    rollout: Rollout, percent: int, params: RolloutParams, *, why: str, now_ms: int
) -> None:
    """Give some viewers, or more of them, the candidate."""
    assert rollout.candidate is not None
    with _alone():
        _move(rollout, Stage.CANARY, now_ms=now_ms, percent=percent)
        if rollout.experiment is None:
            _divide(rollout, percent, params, now_ms)
        else:
            viewers.widen(rollout.experiment, percent)
        artifacts.record_move(rollout.candidate, f"canary {percent} %", by=ITSELF, why=why)


def promote(rollout: Rollout, params: RolloutParams, *, why: str, now_ms: int) -> None:
    """Let the candidate serve everybody but those who are held back."""
    assert rollout.candidate is not None
    artifacts.verified_folder(rollout.candidate)
    with _alone():
        artifacts.promote_artifact(
            rollout.candidate, by=ITSELF, why=why, replacing=rollout.baseline
        )
        to_holdback(rollout, params, now_ms=now_ms)


def to_holdback(rollout: Rollout, params: RolloutParams, *, now_ms: int) -> None:
    """Let some viewers keep the version before, now that the candidate serves."""
    with _alone():
        viewers.stop(rollout.experiment, reason="promoted", now_ms=now_ms)
        percent = params.holdback_percent
        if not percent:
            _move(rollout, Stage.DONE, now_ms=now_ms)
            return
        _move(rollout, Stage.HOLDBACK, now_ms=now_ms, percent=percent)
        _hold(rollout, params, now_ms)


def begin_holdback(
    promoted: Artifact, previous: Artifact, params: RolloutParams, *, now_ms: int
) -> Rollout:
    """Watch a version that was promoted without a canary."""
    with _alone():
        rollout = Rollout.objects.create(
            candidate=promoted,
            baseline=previous,
            stage=Stage.HOLDBACK,
            percent=params.holdback_percent,
            is_automatic=True,
            since_ms=now_ms,
        )
        _hold(rollout, params, now_ms)
        artifacts.record_move(promoted, f"holdback {rollout.percent} %", by=ITSELF)
        return rollout


def roll_back(rollout: Rollout, *, why: str, now_ms: int) -> None:
    """Let the version before serve everybody again."""
    assert rollout.baseline is not None
    artifacts.verified_folder(rollout.baseline)
    with _alone():
        _close(rollout, Stage.ROLLED_BACK, reason=why, now_ms=now_ms)
        artifacts.promote_artifact(
            rollout.baseline, by=ITSELF, why=f"rolled back: {why}", replacing=rollout.candidate
        )


def refuse(rollout: Rollout, *, why: str, now_ms: int) -> None:
    """Let nobody have the candidate any more."""
    _end(rollout, Stage.REFUSED, "refused", by=ITSELF, why=why, now_ms=now_ms)


def finish(rollout: Rollout, *, now_ms: int) -> None:
    """Let everybody have what was promoted."""
    why = "no guardrail fell while the version before was held back"
    _end(rollout, Stage.DONE, "serves everybody", by=ITSELF, why=why, now_ms=now_ms)


def end(rollout: Rollout, *, by: str, why: str, now_ms: int) -> None:
    """Stop the rollout where it is; what serves stays."""
    _end(rollout, Stage.ENDED, "rollout ended", by=by, why=why, now_ms=now_ms)


def _end(rollout: Rollout, stage: str, move: str, *, by: str, why: str, now_ms: int) -> None:
    with _alone():
        _close(rollout, stage, reason=move, now_ms=now_ms)
        if rollout.candidate is not None:
            artifacts.record_move(rollout.candidate, move, by=by, why=why)


@contextmanager
def _alone() -> Iterator[None]:
    """Open a transaction; what another's step has made impossible is a `RolloutError`."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise RolloutError("another rollout is under way; look at /ops/models/") from error
    except (ExperimentError, ArtifactError) as error:
        raise RolloutError(str(error)) from error


def _opened(candidate: Artifact, stage: str, now_ms: int, *, is_automatic: bool) -> Rollout:
    baseline = artifacts.production_artifact(FAMILY)
    if baseline is None:
        raise RolloutError(f"{candidate}: nothing serves that it could be compared with")
    return Rollout.objects.create(
        candidate=candidate,
        baseline=baseline,
        stage=stage,
        is_automatic=is_automatic,
        since_ms=now_ms,
    )


def _divide(rollout: Rollout, percent: int, params: RolloutParams, now_ms: int) -> None:
    rollout.experiment = viewers.start_canary(rollout.pk, percent, params, now_ms=now_ms)
    rollout.percent = percent
    rollout.save(update_fields=["experiment", "percent"])


def _hold(rollout: Rollout, params: RolloutParams, now_ms: int) -> None:
    rollout.experiment = viewers.start_holdback(rollout.pk, params, now_ms=now_ms)
    rollout.save(update_fields=["experiment"])


def _close(rollout: Rollout, stage: str, *, reason: str, now_ms: int) -> None:
    _move(rollout, stage, now_ms=now_ms, percent=rollout.percent)
    viewers.stop(rollout.experiment, reason=reason, now_ms=now_ms)


def _move(rollout: Rollout, stage: str, *, now_ms: int, percent: int = 0) -> None:
    # A conditional UPDATE: who decides by what is no longer so finds no row.
    still = Rollout.objects.filter(pk=rollout.pk, stage=rollout.stage, percent=rollout.percent)
    if not still.update(stage=stage, percent=percent, since_ms=now_ms):
        raise RolloutError(f"{rollout} was moved on by somebody else; look at /ops/models/")
    rollout.stage, rollout.percent, rollout.since_ms = stage, percent, now_ms
