"""Read what tuning has decided, and how incremental training stands."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, NamedTuple

import msgspec
from django.db.models import Count

from apps.candidates.conf import RetrievalParams, with_values
from apps.core.clock import DAY_MS
from apps.learning.conf import TrainingParams
from apps.learning.models import OnlineStep, TunedParam

logger = logging.getLogger(__name__)


def training_params() -> TrainingParams:
    """Return the defaults with what was tuned and pinned here."""
    params = TrainingParams()
    values = dict(TunedParam.objects.values_list("name", "value"))
    return replace(params, retrieval=applied(params.retrieval, values))


def pinned() -> dict[str, Any]:
    """Return the values that tuning must leave alone."""
    return dict(TunedParam.objects.filter(is_pinned=True).values_list("name", "value"))


def applied(params: RetrievalParams, values: dict[str, Any]) -> RetrievalParams:
    """Return the parameters with the stored values; what no longer fits is passed over, aloud."""
    for name, value in values.items():
        try:
            params = with_values(params, {name: value})
        except (KeyError, TypeError, msgspec.ValidationError) as error:
            logger.warning("tuned parameter %s = %r is passed over: %s", name, value, error)
    return params


class OnlineStanding(NamedTuple):
    """How incremental training stands; None where there was no step yet."""

    steps: dict[str, int]  # of the last day, by state
    buffered: int  # views whose labels have settled and that wait
    loss: float | None  # of the network on the views of the last step, before it learned from them
    multiplier: float | None
    age_seconds: float | None  # since the network last followed


def online_standing(*, now_ms: int) -> OnlineStanding:
    """Return how incremental training stands; four small queries."""
    states = OnlineStep.State
    recent = OnlineStep.objects.filter(closed_ms__gte=now_ms - DAY_MS)
    counted = dict(recent.order_by().values_list("state").annotate(n=Count("pk")))
    waiting = OnlineStep.objects.filter(state__in=[states.BUFFERING, states.TRAINING])
    judged = OnlineStep.objects.filter(state__in=[states.PUBLISHED, states.REFUSED])
    last = judged.order_by("-pk").first()
    published = OnlineStep.objects.filter(state=states.PUBLISHED).order_by("-pk").first()
    age_ms = now_ms - published.closed_ms if published and published.closed_ms else None
    closed = (states.PUBLISHED, states.REFUSED, states.EMPTY, states.DROPPED)
    return OnlineStanding(
        steps={state.value: counted.get(state.value, 0) for state in closed},
        buffered=sum(waiting.values_list("n_views", flat=True)),
        loss=last.prequential_loss if last else None,
        multiplier=last.multiplier if last else None,
        age_seconds=None if age_ms is None else age_ms / 1000,
    )
