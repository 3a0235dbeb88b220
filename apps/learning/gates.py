"""The gates between a candidate and production, in one list (spec §6.3).

Each says passed, failed or not enough data, with numbers; what they said is stored with the
version. What is asked of traffic, shadow and canary, follows in `apps.learning.rollout`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from django.db import transaction

from apps.content.types import Catalog
from apps.core.models import Artifact
from apps.events.types import EventLog
from apps.features.selectors import SCHEMA
from apps.learning.algorithms import promotion
from apps.learning.algorithms.promotion import GateParams, State, Verdict
from apps.learning.bundle import Bundle
from apps.learning.evaluation import ranking, scoring
from apps.learning.evaluation.ranking import Recommend
from apps.learning.evaluation.splits import truth_of
from apps.learning.moments import moment
from apps.learning.slices import Slice, timed_views
from apps.ranking.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Trial:
    """A candidate, what it is compared with, and what it is judged by."""

    candidate: Bundle
    production: Bundle | None  # None where nothing serves that could be loaded
    held: Slice | None  # which neither has seen; None where too little has happened
    catalog: Catalog
    recommend: Recommend
    params: GateParams
    is_refresh: bool  # the same recipe as production's, on newer data


def sanity(trial: Trial) -> Verdict:
    """The version loads here and every head is finite; golden queries were asked when stored."""
    rows = np.zeros((1, len(SCHEMA)), np.float32)
    found = trial.candidate.rankers.predict_heads(Inputs.of_strangers(rows))
    broken = [name for name, values in found.items() if not np.isfinite(values).all()]
    if broken:
        return Verdict("sanity", State.FAILED, f"not finite: {', '.join(broken)}")
    return Verdict("sanity", State.PASSED, "loads, answers golden queries with finite scores")


def offline_lists(trial: Trial) -> Verdict:
    """NDCG of the pipeline on the held-out slice, viewer by viewer."""
    if trial.held is None or trial.production is None:
        return Verdict("offline: ranked lists", State.UNKNOWN, _NOTHING_HELD)
    part, params = trial.held, trial.params
    truth = truth_of(part, trial.catalog, any_view=False)
    ndcg = []
    for bundle in (trial.candidate, trial.production):
        then = moment(part.past, trial.catalog, bundle.retrieval, part.at_ms)
        lists = list(trial.recommend(then, bundle.rankers, truth.viewers, params.k))
        ndcg.append(ranking.ndcg_by_viewer(lists, truth, params.k) if lists else np.empty(0))
    return promotion.judge_lists(ndcg[0], ndcg[1], params, is_refresh=trial.is_refresh)


def offline_heads(trial: Trial) -> Verdict:
    """Log-loss and calibration of the main heads on the held-out slice."""
    if trial.held is None or trial.production is None:
        return Verdict("offline: predictions", State.UNKNOWN, _NOTHING_HELD)
    views = scoring.judged_views(trial.held.future, trial.catalog)
    x = scoring.inputs_of(trial.held.past, trial.catalog, views)
    ours, theirs = (b.rankers.predict_heads(x) for b in (trial.candidate, trial.production))
    return promotion.judge_heads(views.labels, ours, theirs, trial.params)


GATES: tuple[Callable[[Trial], Verdict], ...] = (sanity, offline_lists, offline_heads)
_NOTHING_HELD = "too few views since production was trained; nothing was held out to judge by"


def held_out(log: EventLog, *, after_ms: int, params: GateParams) -> Slice | None:
    """Return the slice that a candidate must not learn from, None where too little is new.

    It is the latest `held_share` of the views since `after_ms`, production's last event.
    """
    times = log.at_ms[timed_views(log)]
    n_new = int((times > after_ms).sum())
    n = min(int(n_new * params.held_share), int(len(times) * params.max_share))
    if n < params.min_views:
        return None
    start = int(times[-n])
    return Slice(log.before(start), log.between(start, int(log.at_ms[-1]) + 1), start)


def judge(artifact: Artifact, trial: Trial) -> list[Verdict]:
    """Ask the gates about a version, and store with it what they say.

    Where nothing serves that could be loaded there is nothing to be worse than: sane is enough.
    """
    asked = GATES if trial.production else (sanity,)
    verdicts = [gate(trial) for gate in asked]
    keep(artifact, verdicts)
    return verdicts


def keep(artifact: Artifact, verdicts: Sequence[Verdict]) -> None:
    """Store what gates say with the version, in place of what the same gates said before."""
    said = {verdict.gate: asdict(verdict) for verdict in verdicts}
    with transaction.atomic():
        stored = Artifact.objects.select_for_update().get(pk=artifact.pk)
        before = {verdict["gate"]: verdict for verdict in stored.gates}
        artifact.gates = list((before | said).values())
        Artifact.objects.filter(pk=artifact.pk).update(gates=artifact.gates)


def is_passed(artifact: Artifact) -> bool:
    """Say whether every gate that was asked about the version has passed it, and one was."""
    states = [verdict["state"] for verdict in artifact.gates]
    return bool(states) and all(state == State.PASSED for state in states)


def is_refresh(artifact: Artifact, production: Artifact | None) -> bool:
    """Say whether a version comes of the same recipe as production, on newer data."""
    recipe = production.manifest.get("recipe") if production else None
    # A version from before recipes were noted is taken for the same: to be no worse is asked.
    return recipe is None or bool(recipe == artifact.manifest.get("recipe"))
