"""Judge predictions of what viewers do: discrimination, likelihood and calibration, by head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import EventLog
from apps.features.replay import replay
from apps.learning.algorithms import calibration, metrics
from apps.learning.moments import pairs_of
from apps.learning.outcomes import label_views
from apps.learning.slices import timed_views
from apps.ranking.inputs import Inputs, ids_of
from apps.ranking.rankers import Rankers
from apps.ranking.types import WATCH_SECONDS, Head

Labels = dict[str, NDArray[np.bool_]]
Predictions = dict[str, NDArray[np.float64]]
_AUC_RESAMPLES = 200
_XAUC_PAIRS = 200_000
_PRIOR_VIEWS = 20  # of a content's rate, in views


class Views(NamedTuple):
    """The views that are judged, with what came of them."""

    shown: EventLog
    labels: Labels


def scorers(rankers: Rankers) -> dict[str, Callable[[Inputs], Predictions]]:
    """Return every ranker that the bundle offers, the served blend first; each is judged."""
    alone = {ranker.name: ranker for ranker in (rankers.boosted, rankers.neural) if ranker}
    return {
        "served": rankers.predict_heads,
        **{name: ranker.predict for name, ranker in alone.items()},
    }


def judged_views(future: EventLog, catalog: Catalog) -> Views:
    """Return the views of the future whose time is known."""
    views = np.flatnonzero(timed_views(future))
    return Views(future.take(views), label_views(future, views, catalog))


def inputs_of(known: EventLog, catalog: Catalog, views: Views) -> Inputs:
    """Return the inputs of each view as of its moment, from what of `known` came before it."""
    features = replay(known, catalog, pairs_of(views.shown, catalog))
    return Inputs(features, ids_of(views.shown.viewer, views.shown.content, catalog))


def judge(views: Views, predicted: Predictions, *, frozen: bool) -> dict[str, Any]:
    """Return the figures of each head that happened and of the seconds.

    frozen: nothing of the future was known; only then is the AUC within viewers believable, since
    counters of the viewer that move during the test read far below .5 on pure noise.
    """
    report = {
        head.value: judge_head(
            views.labels[head], predicted[head], views.shown.viewer, grouped=frozen
        )
        for head in Head
        if head in predicted and 0 < views.labels[head].sum() < len(views.shown)
    }
    if WATCH_SECONDS in predicted:
        report[WATCH_SECONDS] = judge_seconds(views.shown.watch_seconds, predicted[WATCH_SECONDS])
    return report


def popularity(past: EventLog, catalog: Catalog, views: Views) -> Predictions:
    """Return what the content's own rates say: the baseline of every table.

    (positives + a · base rate) / (views + a) of each content in the past, a = 20 views.
    """
    known = judged_views(past, catalog)
    n = np.bincount(known.shown.content, minlength=len(catalog))
    predicted: Predictions = {}
    for head in Head:
        label = known.labels[head].astype(np.float64)
        base = (label.sum() + 0.1) / (len(label) + 1)
        positives = np.bincount(known.shown.content, weights=label, minlength=len(catalog))
        rate = (positives + _PRIOR_VIEWS * base) / (n + _PRIOR_VIEWS)
        predicted[head.value] = rate[views.shown.content]
    return predicted


def judge_head(
    label: NDArray[np.bool_],
    predicted: NDArray[np.float64],
    viewer: NDArray[np.int64],
    *,
    grouped: bool,
) -> dict[str, Any]:
    """Return the figures of one head over views bool[n], float64[n], int64[n]."""
    rate = float(label.mean())
    judged: dict[str, Any] = {
        "auc": auc_interval(label, predicted, viewer),
        "log_loss": metrics.log_loss(label, predicted),
        "base_log_loss": metrics.log_loss(label, np.full(len(label), rate)),
        "calibration_error": calibration.expected_error(label, predicted),
        "deciles": [bin_._asdict() for bin_ in calibration.bins(label, predicted, n=10)],
        "rate": rate,
        "mean_prediction": float(predicted.mean()),
    }
    if grouped and np.isfinite(gauc := metrics.grouped_auc(label, predicted, viewer)):
        judged["gauc"] = gauc
    return judged


def auc_interval(
    label: NDArray[np.bool_], predicted: NDArray[np.float64], viewer: NDArray[np.int64]
) -> dict[str, float]:
    """Return the AUC with percentiles over resampled viewers."""
    rng = np.random.default_rng(0)
    order = np.argsort(viewer, kind="stable")
    starts = np.flatnonzero(np.diff(viewer[order], prepend=-1))
    groups = np.split(order, starts[1:])
    values = []
    for _ in range(_AUC_RESAMPLES):
        chosen = np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])
        values.append(metrics.auc(label[chosen], predicted[chosen]))
    value = metrics.auc(label, predicted)
    known = [v for v in values if np.isfinite(v)] or [value]
    low, high = np.percentile(known, [2.5, 97.5])
    return {"value": value, "low": float(low), "high": float(high)}


def judge_seconds(seconds: NDArray[np.float32], predicted: NDArray[np.float64]) -> dict[str, float]:
    """Return the error of the expected seconds, and how often it orders two views rightly.

    XAUC is over random pairs of unlike seconds, a tie of predictions counting half; it is left out
    where all seconds are the same.
    """
    known = np.isfinite(seconds)
    if not known.any():
        return {}
    actual, expected = seconds[known].astype(np.float64), predicted[known]
    judged = {
        "mae": float(np.abs(actual - expected).mean()),
        "mean": float(actual.mean()),
        "mean_prediction": float(expected.mean()),
    }
    left, right = np.random.default_rng(0).integers(0, len(actual), (2, _XAUC_PAIRS))
    differs = actual[left] != actual[right]
    if not differs.any():
        return judged
    left, right = left[differs], right[differs]
    sign = np.sign(actual[left] - actual[right]) * np.sign(expected[left] - expected[right])
    return {**judged, "xauc": float((sign + 1).mean() / 2)}
