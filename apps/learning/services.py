"""Train from the database and publish what was learned."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
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
from apps.events.types import EventLog, EventType
from apps.features.selectors import SCHEMA_HASH
from apps.learning import bundle, gates, selectors
from apps.learning.algorithms.promotion import GateParams, State, is_proven
from apps.learning.conf import TrainingParams
from apps.learning.evaluation.earlier import Earlier, last_production
from apps.learning.evaluation.ranking import Recommend
from apps.learning.gates import Trial
from apps.learning.models import TunedParam
from apps.learning.training import Say, train_all
from apps.learning.tuning.search import tune

MIN_VIEWS = 100  # fewer say nothing worth a model
CHILD_SECONDS = 3 * 3600


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
) -> Artifact:
    """Train a candidate, judge it on what was held out of it, promote it if every gate passes.

    The latest part of what production does not know is held out; what is judged is what is
    promoted. The first version needs to be sane only and learns from everything. Without
    `needs_proof` it is enough that no gate fails: somebody asked for this training, and where
    too little happened since the last one there is nothing to prove it by.
    """
    thresholds = gate_params or GateParams()
    with _training():
        catalog = content.catalog()
        say("reading the log")
        log = _readable_log(catalog, until_ms)
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
            is_refresh=_is_refresh(artifact),
        )
        verdicts = gates.judge(artifact, trial)
        for verdict in verdicts:
            say(f"gate {verdict.gate}: {verdict.state}: {verdict.reason}")
        is_refused = any(verdict.state == State.FAILED for verdict in verdicts)
        if is_proven(verdicts) or not (needs_proof or is_refused):
            artifacts.promote_artifact(artifact)
            artifact.refresh_from_db()
        return artifact


@contextmanager
def _training() -> Iterator[None]:
    with lease("train") as is_mine:
        if not is_mine:
            raise TrainingError("another training is running; try again when it has ended")
        yield


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


def _is_refresh(artifact: Artifact) -> bool:
    production = artifacts.production_artifact(artifact.family)
    recipe = production.manifest.get("recipe") if production else None
    # A version from before recipes were noted is taken for the same: to be no worse is asked.
    return recipe is None or bool(recipe == artifact.manifest["recipe"])


def _readable_log(catalog: Catalog, until_ms: int | None = None) -> EventLog:
    log = events.log(catalog, until_ms=until_ms)
    n_views = int((log.kind == EventType.VIEW).sum())
    if n_views < MIN_VIEWS:
        raise TrainingError(f"{n_views} views in the log, at least {MIN_VIEWS} are needed")
    return log


def _main(importance: dict[str, float], n: int = 30) -> dict[str, float]:
    """Return the n features with the largest share of the gain."""
    return dict(sorted(importance.items(), key=lambda item: -item[1])[:n])


def tune_and_store(*, minutes: float, say: Say, until_ms: int | None = None) -> dict[str, Any]:
    """Search the parameters of retrieval on the log, store and return them by name.

    Raises `TrainingError` when a training is running or there is too little to learn from.
    """
    with lease("train") as is_mine:
        if not is_mine:
            raise TrainingError("a training is running; try again when it has ended")
        catalog = content.catalog()
        log = _readable_log(catalog, until_ms)
        kept = selectors.pinned()
        start = selectors.training_params().retrieval
        params, trials = tune(log, catalog, start, minutes=minutes, pinned=kept, say=say)
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


def run_in_child(*arguments: str) -> None:
    """Run a command in a process of its own, which can neither slow nor crash this one."""
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments, "--quiet"]
    result = subprocess.run(  # noqa: S603  fixed program
        command, capture_output=True, text=True, check=False, timeout=CHILD_SECONDS
    )
    if result.returncode != 0:
        raise TrainingError(
            f"manage.py {arguments[0]} ended with {result.returncode}: {result.stderr[-500:]}"
        )
