"""Train from the database and publish what was learned."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from apps.candidates.conf import value_of
from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core import artifacts
from apps.core.clock import now_ms, to_datetime
from apps.core.errors import RecsysError
from apps.core.leases import lease
from apps.core.models import Artifact
from apps.events import selectors as events
from apps.events.models import Event
from apps.events.types import EventLog, EventType
from apps.features.selectors import SCHEMA_HASH
from apps.learning import bundle, gates, selectors
from apps.learning.algorithms.promotion import GateParams, State, Verdict, is_proven
from apps.learning.conf import TrainingParams
from apps.learning.evaluation.earlier import Earlier, last_production
from apps.learning.evaluation.ranking import Recommend
from apps.learning.gates import Trial
from apps.learning.models import Rollout, TunedParam
from apps.learning.training import Say, train_all
from apps.learning.tuning.search import TRIALS, tune

MIN_VIEWS = 100  # fewer say nothing worth a model
_YOUNG = 200_000  # events of a log that is trained on as it grows; beyond, nights are enough


class TrainingError(RecsysError):
    """Training could not be done."""


def train_and_publish(
    params: TrainingParams, *, say: Say, until_ms: int | None = None, promote: bool = True
) -> Artifact:
    """Learn from all events before `until_ms` (default: all) and promote the result, ungated.

    Without `promote` it becomes the candidate. Raises `TrainingError` when another training is
    running or there is too little to learn from.
    """
    with _training():
        catalog = content.catalog()
        say("reading the log")
        log = _readable_log(catalog, until_ms)
        return _publish(log, catalog, params, say, promote=promote)


def train_through_gates(
    params: TrainingParams,
    *,
    recommend: Recommend,
    say: Say,
    until_ms: int | None = None,
    gate_params: GateParams | None = None,
    needs_proof: bool = True,
    by_canary: bool = False,
) -> Artifact:
    """Train a candidate, judge it on what was held out of it, promote it if every gate passes.

    The latest part of what production does not know is held out; what is judged is what is
    promoted. The first version needs to be sane only and learns from everything. Without
    `needs_proof` it is enough that no gate fails: somebody asked for this training, and where
    too little happened since the last one there is nothing to prove it by. The same holds for a
    refresh that has learned from many times what production has. With `by_canary` a rollout decides
    about every version but the first.
    """
    thresholds = gate_params or GateParams()
    with _training():
        catalog = content.catalog()
        say("reading the log")
        log = _readable_log(catalog, until_ms)
        serving = artifacts.production_artifact(bundle.FAMILY)
        production = last_production(catalog)
        held = None
        if isinstance(production, Earlier):
            held = gates.held_out(log, after_ms=production.until_ms, params=thresholds)
        artifact = _publish(held.past if held else log, catalog, params, say, promote=False)
        say("asking the gates")
        trial = Trial(
            candidate=bundle.load(artifact, catalog),
            production=production.bundle if isinstance(production, Earlier) else None,
            held=held,
            catalog=catalog,
            recommend=recommend,
            params=thresholds,
            is_refresh=gates.is_refresh(artifact, serving),
        )
        verdicts = gates.judge(artifact, trial)
        for verdict in verdicts:
            say(f"gate {verdict.gate}: {verdict.state}: {verdict.reason}")
        is_refused = any(verdict.state == State.FAILED for verdict in verdicts)
        if serving and by_canary:
            return artifact
        needs_proof = needs_proof and not _outgrows(artifact, thresholds)
        if is_proven(verdicts) or not (needs_proof or is_refused):
            artifacts.promote_artifact(artifact, by="training", why=_in_short(verdicts))
            artifact.refresh_from_db()
        return artifact


@contextmanager
def _training() -> Iterator[None]:
    with lease("train") as is_mine:
        if not is_mine:
            raise TrainingError("another training is running; try again when it has ended")
        if busy := Rollout.objects.filter(stage=Rollout.Stage.CANARY).first():
            raise TrainingError(
                f"{busy} serves some viewers, and a new candidate would take its place; wait, "
                "or end it: manage.py canary --stop"
            )
        yield


def _in_short(verdicts: Sequence[Verdict]) -> str:
    return ", ".join(f"{verdict.gate}: {verdict.state}" for verdict in verdicts)


def _publish(
    log: EventLog, catalog: Catalog, params: TrainingParams, say: Say, *, promote: bool
) -> Artifact:
    """Train on the log and store what came of it, with where it comes from."""
    started_ms = now_ms()
    parent = artifacts.production_artifact(bundle.FAMILY)
    trained = train_all(log, catalog, params, version="training", say=say)
    say("checking and publishing the bundle")
    facts = {
        "schema": SCHEMA_HASH,
        "recipe": recipe_of(params),
        "params": asdict(params),
        "parent": str(parent) if parent else None,
        "data_from": to_datetime(int(log.at_ms[0])).isoformat(),
        "data_until": to_datetime(int(log.at_ms[-1])).isoformat(),
        "n_events": len(log),
        "n_contents": len(catalog),
        "train_seconds": (now_ms() - started_ms) / 1000,
        "importance": _main(trained.rankers.select.importance()),
    }
    return bundle.publish(trained, catalog, facts, promote=promote)


def recipe_of(params: TrainingParams) -> str:
    """Return what names the way of training: features and parameters, but what tuning finds.

    Retrieval's parameters are learned from the log each night, as its models are.
    """
    chosen = {name: value for name, value in asdict(params).items() if name != "retrieval"}
    text = json.dumps([SCHEMA_HASH, chosen], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_outgrown(params: GateParams | None = None) -> bool:
    """Say whether a young log is so much longer than at the latest training that it is time.

    Counts no further than it has to.
    """
    latest = Artifact.objects.filter(family=bundle.FAMILY).order_by("-pk").first()
    if latest is None:
        views = Event.objects.filter(events.learnable(), kind=EventType.VIEW)[:MIN_VIEWS]
        return views.count() == MIN_VIEWS
    known = latest.manifest.get("n_events", _YOUNG)
    if known >= _YOUNG:
        return False
    thresholds = params or GateParams()
    # What is held out to judge by is not learned from: the rest must have grown by as much.
    needed = math.ceil(thresholds.growth * known / (1 - thresholds.max_share))
    return Event.objects.filter(events.learnable())[:needed].count() == needed


def _outgrows(artifact: Artifact, params: GateParams) -> bool:
    """Say whether a refresh knows so much more than production that it need not be proven."""
    production = artifacts.production_artifact(artifact.family)
    if production is None or not gates.is_refresh(artifact, production):
        return False
    known = production.manifest.get("n_events")
    return known is not None and artifact.manifest["n_events"] >= params.growth * known


def _readable_log(catalog: Catalog, until_ms: int | None = None) -> EventLog:
    log = events.log(catalog, until_ms=until_ms)
    n_views = int((log.kind == EventType.VIEW).sum())
    if n_views < MIN_VIEWS:
        raise TrainingError(f"{n_views} views in the log, at least {MIN_VIEWS} are needed")
    return log


def _main(importance: dict[str, float], n: int = 30) -> dict[str, float]:
    """Return the n features with the largest share of the gain."""
    return dict(sorted(importance.items(), key=lambda item: -item[1])[:n])


def tune_and_store(
    *, say: Say, n_trials: int = TRIALS, minutes: float = math.inf, until_ms: int | None = None
) -> dict[str, Any]:
    """Search the parameters of retrieval on the log, store and return them by name.

    n_trials, minutes: as `tune` has them. Raises `TrainingError` when a training is running or
    there is too little to learn from.
    """
    with lease("train") as is_mine:
        if not is_mine:
            raise TrainingError("a training is running; try again when it has ended")
        catalog = content.catalog()
        log = _readable_log(catalog, until_ms)
        kept = selectors.pinned()
        start = selectors.training_params().retrieval
        params, trials = tune(
            log, catalog, start, n_trials=n_trials, minutes=minutes, pinned=kept, say=say
        )
        found = {name: value_of(params, name) for name in trials.tried}
        for name, value in found.items():
            TunedParam.objects.update_or_create(
                name=name,
                defaults={"value": value, "tried": trials.tried[name], "tuned_at": timezone.now()},
            )
        return found


def pin(values: dict[str, Any], *, unpin: Sequence[str] = ()) -> None:
    """Fix parameters, or give them back to the search; raises `ValueError` for what cannot be."""
    for name, value in values.items():
        param = TunedParam.objects.filter(name=name).first() or TunedParam(name=name)
        param.value, param.is_pinned = value, True
        param.clean()
        param.save()
    TunedParam.objects.filter(name__in=unpin).update(is_pinned=False)
