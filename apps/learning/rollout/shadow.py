"""Shadow scoring: the candidate scores what was served, and serves nobody.

It reads logged slates and the features that are stored with them, so that no feed waits for it or
can fail by it. What retrieval would have found otherwise is not seen here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.learning.algorithms import metrics
from apps.learning.algorithms.promotion import GateParams, State, Verdict, judge_heads
from apps.learning.algorithms.shadow import (
    judge_off_policy,
    judge_shift,
    order_kept,
    stability_index,
)
from apps.learning.bundle import Bundle
from apps.learning.conf import RolloutParams
from apps.learning.slots import Slots, read_slots
from apps.ranking import cascade
from apps.ranking import selectors as ranking
from apps.ranking.objective import Objective
from apps.ranking.types import Head

_TIMED = 500  # slots, as many as a request has candidates
_REPEATS = 3
_HEAD = Head.LONG_VIEW.value


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one bundle says of n slots."""

    score: NDArray[np.float64]  # [n]
    heads: dict[str, NDArray[np.float64]]  # head → [n]
    seconds: float  # to score `_TIMED` of them


def compare(
    candidate: Bundle,
    production: Bundle,
    catalog: Catalog,
    *,
    since_ms: int,
    now_ms: int,
    params: RolloutParams,
    gate_params: GateParams,
    is_refresh: bool,
) -> list[Verdict]:
    """Let both bundles score what was served since; return what the gates over it say."""
    slots = read_slots(
        catalog,
        since_ms=since_ms,
        until_ms=now_ms - params.settle_ms,
        share=params.shadow_share,
        most=params.shadow_slates,
    )
    if len(slots.viewed) < gate_params.min_views:
        reason = f"{len(slots.viewed)} slots were viewed, {gate_params.min_views} are needed"
        return [Verdict("shadow: scores", State.UNKNOWN, reason, {"slots": len(slots)})]
    objective = ranking.objective()
    ours, theirs = (opinion(bundle, objective, slots) for bundle in (candidate, production))
    return [
        _shift(slots, ours, theirs, is_refresh=is_refresh),
        _predictions(slots, ours, theirs, gate_params),
        _weighted(slots, ours, theirs),
    ]


def opinion(bundle: Bundle, objective: Objective, slots: Slots) -> Opinion:
    """Return what a bundle says of the slots, by the objective that serves."""
    timed = slice(min(len(slots), _TIMED))
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        _score(bundle, objective, slots, timed)
        seconds.append(time.perf_counter() - started)
    heads = bundle.rankers.predict_heads(slots.inputs)
    return Opinion(_score(bundle, objective, slots, slice(None)), heads, min(seconds))


def _score(bundle: Bundle, objective: Objective, slots: Slots, at: slice) -> NDArray[np.float64]:
    features, inputs = slots.features[at], slots.inputs.take(at)
    return cascade.score(bundle.rankers, objective, features, inputs, refined=len(inputs)).score


def _shift(slots: Slots, ours: Opinion, theirs: Opinion, *, is_refresh: bool) -> Verdict:
    long_view = slots.labels[_HEAD]
    numbers: dict[str, Any] = {
        "slots": len(slots),
        "viewed": len(slots.viewed),
        "order kept": order_kept(ours.score, theirs.score, slots.slate),
        "score psi": stability_index(theirs.score, ours.score),
        "long_view by score auc": metrics.auc(long_view, ours.score[slots.viewed]),
        "production long_view by score auc": metrics.auc(long_view, theirs.score[slots.viewed]),
        "milliseconds": 1000 * ours.seconds,
        "times as slow": ours.seconds / theirs.seconds,
    }
    is_finite = bool(np.isfinite(ours.score).all())
    return judge_shift(numbers, is_finite=is_finite, is_refresh=is_refresh)


def _predictions(slots: Slots, ours: Opinion, theirs: Opinion, gate_params: GateParams) -> Verdict:
    """Compare the heads on what came of the slots, with the rule of the offline gate."""
    both = [
        {head: values[slots.viewed] for head, values in of.heads.items()} for of in (ours, theirs)
    ]
    verdict = judge_heads(slots.labels, both[0], both[1], gate_params)
    return replace(verdict, gate="shadow: predictions")


def _weighted(slots: Slots, ours: Opinion, theirs: Opinion) -> Verdict:
    label, viewed = slots.labels[_HEAD], slots.viewed
    losses = [_losses(label, of.heads[_HEAD][viewed]) for of in (ours, theirs)]
    return judge_off_policy(losses[1] - losses[0], slots.propensity[viewed])


def _losses(label: NDArray[np.bool_], p: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return -np.where(label, np.log(p), np.log1p(-p))
