"""Predict, then learn: each chunk of the later log by what was known before it (spec §6.1, §11.1).

Four ways of knowing are judged on the same views: `frozen`, nothing after the cut; `chunks`,
counters and histories up to the chunk; `retrained`, the heads learned anew before each chunk too;
`online`, counters and histories up to each view. Beside them stand the contents' own rates before
the chunk, and the version that serves, frozen, where it has not seen the future.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from apps.events.types import EventLog
from apps.learning.evaluation import scoring
from apps.learning.evaluation.earlier import Earlier, judgeable
from apps.learning.evaluation.plan import Plan
from apps.learning.evaluation.scoring import Predictions, Views
from apps.learning.evaluation.splits import EvaluationError, Fold, describe
from apps.learning.slices import timed_views
from apps.learning.training import train_heads
from apps.ranking.rankers import Rankers
from apps.ranking.select import unlearned

CHUNKS = 4


def judge_fold(fold: Fold, plan: Plan, protocol: str) -> dict[str, Any]:
    """Return each way's figures over all of the fold's future, and chunk by chunk."""
    part = fold.part
    everything = EventLog.concat([part.past, part.future])
    first = _heads(part.past, plan)
    earlier = judgeable(plan.earlier, part.at_ms, protocol)
    parts: list[tuple[Views, dict[str, Predictions]]] = []
    for number, (start, end) in enumerate(_bounds(part.future), 1):
        plan.say(f"chunk {number} of {CHUNKS}")
        before = everything.before(start)
        views = scoring.judged_views(everything.between(start, end), plan.catalog)
        x = {
            "frozen": scoring.inputs_of(part.past, plan.catalog, views),
            "chunks": scoring.inputs_of(before, plan.catalog, views),
            "online": scoring.inputs_of(everything, plan.catalog, views),
        }
        predicted = {way: first.predict_heads(x[way]) for way in x}
        predicted["popularity"] = scoring.popularity(before, plan.catalog, views)
        if isinstance(earlier, Earlier):
            predicted["last_production"] = earlier.bundle.rankers.predict_heads(x["frozen"])
        predicted["retrained"] = _heads(before, plan).predict_heads(x["chunks"])
        parts.append((views, predicted))
    if not parts:
        raise EvaluationError("no view after the cut has a known time: there is nothing to predict")
    return {
        "data": describe(fold, plan.catalog),
        "last_production": earlier if isinstance(earlier, str) else earlier.bundle.version,
        "scoring": _joined(parts),
        "chunks": [_judge(views, predicted) for views, predicted in parts],
    }


def _heads(log: EventLog, plan: Plan) -> Rankers:
    learned = train_heads(log, plan.catalog, plan.params)
    return learned.with_select("evaluation", unlearned())


def _bounds(future: EventLog) -> Iterator[tuple[int, int]]:
    """Yield the time windows of chunks with equally many views."""
    times = future.at_ms[timed_views(future)]
    if not len(times):
        return
    cuts = np.unique(times[np.arange(CHUNKS) * len(times) // CHUNKS])
    ends = np.append(cuts[1:], int(future.at_ms[-1]) + 1)
    yield from zip(cuts.tolist(), ends.tolist(), strict=True)


def _judge(views: Views, predicted: dict[str, Predictions]) -> dict[str, Any]:
    return {way: scoring.judge(views, p, frozen=way == "frozen") for way, p in predicted.items()}


def _joined(parts: list[tuple[Views, dict[str, Predictions]]]) -> dict[str, Any]:
    labels = {
        head: np.concatenate([views.labels[head] for views, _ in parts])
        for head in parts[0][0].labels
    }
    views = Views(EventLog.concat([views.shown for views, _ in parts]), labels)
    predicted = {
        way: {
            head: np.concatenate([found[way][head] for _, found in parts])
            for head in parts[0][1][way]
        }
        for way in parts[0][1]
    }
    return _judge(views, predicted)
