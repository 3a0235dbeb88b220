"""Read what tuning has decided."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import msgspec

from apps.candidates.conf import RetrievalParams, with_values
from apps.learning.conf import TrainingParams
from apps.learning.models import TunedParam

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
