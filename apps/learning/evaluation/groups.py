"""Figures by kind of viewer and content: new or known, active or rare, by language (spec §11.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import EventLog, EventType
from apps.learning.algorithms import metrics
from apps.learning.evaluation.scoring import Predictions, Views
from apps.learning.evaluation.splits import Truth
from apps.profiles import selectors as profiles
from apps.ranking.types import Head

MIN_VIEWS = 50  # smaller groups say nothing
_VIEWS = (1, 10, 50)  # bounds of the groups by views before
_VIEW_GROUPS = np.array(["none", "1–9", "10–49", "50 or more"])
Groups = dict[str, NDArray[np.str_]]


def lists_by_group(
    ndcg: metrics.Floats, truth: Truth, past: EventLog, catalog: Catalog
) -> dict[str, dict[str, Any]]:
    """Return the mean of float64[m], one a judged viewer, by group with intervals."""
    groups = _viewer_groups(np.array(truth.viewers, np.int64), past, catalog)
    return {
        name: {
            value: {
                "viewers": int(chosen.sum()),
                "ndcg": metrics.bootstrap_mean(ndcg[chosen], np.random.default_rng(0))._asdict(),
            }
            for value, chosen in _members(group)
        }
        for name, group in groups.items()
    }


def views_by_group(
    views: Views, predicted: Predictions, past: EventLog, catalog: Catalog
) -> dict[str, dict[str, Any]]:
    """Return how the long view is predicted, by group of the viewer and of the content."""
    shown, label = views.shown, views.labels[Head.LONG_VIEW]
    known = past.content[(past.kind == EventType.VIEW) & (past.content >= 0)]
    seen = np.bincount(known, minlength=len(catalog))[shown.content]
    groups = {
        **_viewer_groups(shown.viewer, past, catalog),
        "views of the content before": _by_count(seen),
        "language of the content": _language_names(catalog.language[shown.content], catalog),
    }
    return {
        name: {
            value: _long_view(label[chosen], predicted[Head.LONG_VIEW][chosen])
            for value, chosen in _members(group)
            if chosen.sum() >= MIN_VIEWS
        }
        for name, group in groups.items()
    }


def _long_view(label: NDArray[np.bool_], predicted: NDArray[np.float64]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "views": len(label),
        "rate": float(label.mean()),
        "mean_prediction": float(predicted.mean()),
        "log_loss": metrics.log_loss(label, predicted),
    }
    if 0 < label.sum() < len(label):
        found["auc"] = metrics.auc(label, predicted)
    return found


def _viewer_groups(viewers: NDArray[np.int64], past: EventLog, catalog: Catalog) -> Groups:
    known = np.sort(past.viewer[(past.kind == EventType.VIEW) & (past.viewer >= 0)])
    n = np.searchsorted(known, viewers, "right") - np.searchsorted(known, viewers, "left")
    codes = profiles.languages(catalog.languages).of(viewers)
    return {
        "views of the viewer before": _by_count(n),
        "language of the viewer": _language_names(codes, catalog),
    }


def _by_count(n: NDArray[np.int64]) -> NDArray[np.str_]:
    return _VIEW_GROUPS[np.searchsorted(_VIEWS, n, side="right")]


def _language_names(codes: NDArray[np.integer], catalog: Catalog) -> NDArray[np.str_]:
    names = np.array([*catalog.languages, "unknown"])
    return names[np.where(codes < 0, len(names) - 1, codes)]


def _members(group: NDArray[np.str_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    values: Sequence[str] = np.unique(group).tolist()
    for value in values:
        yield value, group == value
