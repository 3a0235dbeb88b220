"""The registry of features at `/ops/features/`, for staff."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.features.definitions import GROUPS, SCHEMA, SCHEMA_HASH
from apps.features.definitions.base import Feature, FeatureGroup
from apps.learning import bundle
from apps.learning.bundle import Bundle
from apps.ranking.rankers import Rankers


class FeatureRow(NamedTuple):
    """One feature as the page shows it; shares are of 1, None before the first training."""

    feature: Feature
    range: str
    default: str
    select_gain: float | None
    head_gain: float | None
    trained_on: dict[str, float] | None  # mean, deviation, missing


class GroupRows(NamedTuple):
    """One group with its features."""

    group: FeatureGroup
    rows: list[FeatureRow]
    select_gain: float | None
    head_gain: float | None


@never_cache
@staff_member_required
@require_safe
def features(request: HttpRequest) -> HttpResponse:
    """Show every feature that there is, and what the promoted bundle makes of it."""
    promoted = bundle.production()
    context = {
        "groups": feature_groups(promoted),
        "n_features": len(SCHEMA),
        "schema": SCHEMA_HASH,
        "version": promoted.version if promoted else "",
    }
    return render(request, "features/registry.html", context)


def feature_groups(promoted: Bundle | None) -> list[GroupRows]:
    """Return the registry in its own order."""
    select = promoted.rankers.select.importance() if promoted else None
    heads = head_gain(promoted.rankers) if promoted else None
    described = promoted.encoder.describe() if promoted else {}
    groups = []
    for group in GROUPS:
        rows = [
            FeatureRow(
                feature=feature,
                range=f"{_number(feature.low)} … {_number(feature.high)}",
                default=_number(feature.default),
                select_gain=_share(select, feature.name),
                head_gain=_share(heads, feature.name),
                trained_on=described.get(feature.name),
            )
            for feature in group.features
        ]
        select_gain = _total([row.select_gain for row in rows])
        groups.append(GroupRows(group, rows, select_gain, _total([row.head_gain for row in rows])))
    return groups


def head_gain(rankers: Rankers) -> dict[str, float]:
    """Return each feature's share of the gain, as the mean over the heads that were learned."""
    shares = [model.importance() for model in rankers.boosted.models.values() if model.is_learned]
    if not shares:
        return {}
    return {name: float(np.mean([share[name] for share in shares])) for name in shares[0]}


def _share(shares: dict[str, float] | None, name: str) -> float | None:
    return shares.get(name, 0.0) if shares else None


def _total(shares: list[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return sum(known) if known else None


def _number(value: float) -> str:
    return "missing" if math.isnan(value) else f"{value:.4g}"
