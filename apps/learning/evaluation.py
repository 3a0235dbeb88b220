"""Offline judging on a temporal or leave-last split: production lists beside simple ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.candidates.sources import SOURCE_NAMES, SOURCES
from apps.content.types import Catalog
from apps.core.clock import to_datetime
from apps.core.errors import RecsysError
from apps.events.types import EventLog, is_long_view
from apps.features.replay import replay
from apps.learning.algorithms import metrics
from apps.learning.conf import TrainingParams
from apps.learning.moments import Moment, moment, pairs_of
from apps.learning.outcomes import label_views
from apps.learning.slices import Slice, last_views_slice, temporal_slice, timed_views
from apps.learning.training import Say, Trained, train_all
from apps.ranking.inputs import Inputs, ids_of
from apps.ranking.pool import opinions, rank_fusion
from apps.ranking.rankers import Rankers
from apps.ranking.types import WATCH_SECONDS, Head

TEST_SHARE = 0.2
PRODUCTION = "production"
# Asked for ranked rows of each viewer: the pipeline that serves, given by the layer that has it.
Recommend = Callable[[Moment, Rankers, Sequence[int], int], Iterator[NDArray[np.int64]]]
_PEERS = Path(__file__).parent / "peers.json"
_AUC_RESAMPLES = 200


class EvaluationError(RecsysError):
    """There is nothing to judge."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What each judged viewer went on to watch, unseen before."""

    viewers: list[int]
    relevant: list[set[int]]  # catalog rows
    n_cold: int  # viewers with relevant contents but no past: not judged
    n_without: int  # viewers in the future without any relevant content: not judged


def evaluate(
    log: EventLog,
    catalog: Catalog,
    params: TrainingParams,
    recommend: Recommend,
    *,
    protocol: str,
    ks: Sequence[int],
    say: Say,
) -> dict[str, Any]:
    """Train on the past of a split and return the report of how its future was predicted.

    temporal: the future is the last fifth of the views with a known time; relevant are long views.
    leave-last: the future is each viewer's last view; relevant is its content, long or not.
    """
    part, truth = split(log, catalog, protocol)
    if not truth.viewers:
        raise EvaluationError("no viewer of the test part has a past: there is nothing to judge")
    say(f"split: {len(part.past):,} events known, {len(truth.viewers):,} viewers judged")
    trained = train_all(part.past, catalog, params, version="evaluation", say=say)
    then = moment(part.past, catalog, trained.retrieval, part.at_ms)
    say("ranking the catalogue for every judged viewer")
    lists = _lists(then, trained.rankers, truth, recommend, max(ks))
    say("judging")
    report: dict[str, Any] = {
        "protocol": protocol,
        "data": _describe(part, truth, catalog),
        "ranking": _judge_lists(lists, truth, catalog, ks),
        "paired": _paired(lists, truth, ks[0]),
    }
    if protocol == "temporal":
        report["scoring"] = _judge_scores(part, catalog, trained)
    report["peers"] = _peers(report)
    return report


def split(log: EventLog, catalog: Catalog, protocol: str) -> tuple[Slice, Truth]:
    """Return past and future by the protocol, and what is relevant in the future."""
    if not len(log):
        raise EvaluationError("the log is empty: there is nothing to judge")
    is_temporal = protocol == "temporal"
    part = temporal_slice(log, share=TEST_SHARE) if is_temporal else last_views_slice(log)
    return part, _truth(part, catalog, any_view=not is_temporal)


def _truth(part: Slice, catalog: Catalog, *, any_view: bool) -> Truth:
    future = part.future.take(timed_views(part.future) | any_view)
    future = future.take(future.content >= 0)
    duration = catalog.duration_seconds[future.content]
    is_relevant = is_long_view(future.watch_seconds, duration, future.flags) | any_view
    n = len(catalog)
    seen = np.unique(part.past.viewer * n + part.past.content)
    pair = np.unique((future.viewer * n + future.content)[is_relevant])
    pair = pair[~np.isin(pair, seen)]
    relevant: dict[int, set[int]] = {}
    for viewer, row in zip((pair // n).tolist(), (pair % n).tolist(), strict=True):
        relevant.setdefault(viewer, set()).add(row)
    known = set(np.unique(part.past.viewer).tolist())
    warm = [viewer for viewer in relevant if viewer in known]
    return Truth(
        viewers=warm,
        relevant=[relevant[viewer] for viewer in warm],
        n_cold=len(relevant) - len(warm),
        n_without=len(set(np.unique(future.viewer).tolist()) - relevant.keys()),
    )


def _lists(
    then: Moment, rankers: Rankers, truth: Truth, recommend: Recommend, k: int
) -> dict[str, list[NDArray[np.int64]]]:
    """Return each system's list of each viewer."""
    lists: dict[str, list[NDArray[np.int64]]] = {
        PRODUCTION: list(recommend(then, rankers, truth.viewers, k)),
        "rank_fusion": [],
        **{name: [] for name in SOURCE_NAMES},
    }
    for viewer in truth.viewers:
        request = then.request(viewer)
        excluded = request.excluded()
        pool = then.pool(request)
        order = np.argsort(-rank_fusion(opinions(pool)), kind="stable")
        lists["rank_fusion"].append(pool.rows[order[:k]])
        for source in SOURCES:
            scores = source(request)
            rows = np.empty(0, np.int64) if scores is None else scores.top(k, excluded)
            lists[source.name].append(rows)
    return lists


def _hits(lists: list[NDArray[np.int64]], truth: Truth, k: int) -> NDArray[np.bool_]:
    hits = np.zeros((len(lists), k), np.bool_)
    for i, (rows, relevant) in enumerate(zip(lists, truth.relevant, strict=True)):
        hits[i, : min(len(rows), k)] = [row in relevant for row in rows[:k].tolist()]
    return hits


def _judge_lists(
    lists: dict[str, list[NDArray[np.int64]]], truth: Truth, catalog: Catalog, ks: Sequence[int]
) -> dict[str, dict[str, Any]]:
    n_relevant = np.array([len(r) for r in truth.relevant])
    report: dict[str, dict[str, Any]] = {}
    for name, ranked in lists.items():
        hits = _hits(ranked, truth, max(ks))
        report[name] = {}
        for k in ks:
            for metric, values in metrics.ranking_metrics(hits, n_relevant, k).items():
                interval = metrics.bootstrap_mean(values, np.random.default_rng(0))
                report[name][metric] = interval._asdict()
            shown = np.bincount(np.concatenate([r[:k] for r in ranked]), minlength=len(catalog))
            report[name][f"coverage@{k}"] = float((shown > 0).mean())
            report[name][f"gini@{k}"] = metrics.gini(shown)
    return report


def _paired(
    lists: dict[str, list[NDArray[np.int64]]], truth: Truth, k: int
) -> dict[str, dict[str, float]]:
    """Return production's NDCG minus every other's, viewer by viewer, with intervals."""
    n_relevant = np.array([len(r) for r in truth.relevant])
    ndcg = {
        name: metrics.ranking_metrics(_hits(ranked, truth, k), n_relevant, k)[f"ndcg@{k}"]
        for name, ranked in lists.items()
    }
    ours = ndcg.pop(PRODUCTION)
    return {
        name: metrics.bootstrap_mean(ours - theirs, np.random.default_rng(0))._asdict()
        for name, theirs in ndcg.items()
    }


def _judge_scores(part: Slice, catalog: Catalog, trained: Trained) -> dict[str, Any]:
    """Judge the heads on the views of the future.

    frozen: nothing of the future is known. online: each view sees the outcomes before it.
    """
    views = np.flatnonzero(timed_views(part.future))
    shown = part.future.take(views)
    labels = label_views(part.future, views, catalog)
    pairs = pairs_of(shown, catalog)
    everything = EventLog.concat([part.past, part.future])
    modes = {
        "frozen": replay(part.past, catalog, pairs),
        "online": replay(everything, catalog, pairs),
    }
    report: dict[str, Any] = {}
    for mode, x in modes.items():
        inputs = Inputs(x, ids_of(shown.viewer, shown.content, catalog))
        predicted = trained.rankers.predict_heads(inputs, threads=2)
        report[mode] = {
            head.value: _judge_head(
                labels[head], predicted[head], shown.viewer, grouped=mode == "frozen"
            )
            for head in Head
            if 0 < labels[head].sum() < len(views)
        }
        report[mode][WATCH_SECONDS] = _judge_seconds(shown.watch_seconds, predicted[WATCH_SECONDS])
    return report


def _judge_head(
    label: NDArray[np.bool_],
    predicted: NDArray[np.float64],
    viewer: NDArray[np.int64],
    *,
    grouped: bool,
) -> dict[str, Any]:
    rate = float(label.mean())
    judged: dict[str, Any] = {
        "auc": _auc_interval(label, predicted, viewer),
        "log_loss": metrics.log_loss(label, predicted),
        "base_log_loss": metrics.log_loss(label, np.full(len(label), rate)),
        "rate": rate,
        "mean_prediction": float(predicted.mean()),
    }
    if grouped and np.isfinite(gauc := metrics.grouped_auc(label, predicted, viewer)):
        judged["gauc"] = gauc
    return judged


def _auc_interval(
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
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return {"value": metrics.auc(label, predicted), "low": float(low), "high": float(high)}


def _judge_seconds(
    seconds: NDArray[np.float32], predicted: NDArray[np.float64]
) -> dict[str, float]:
    known = np.isfinite(seconds)
    if not known.any():
        return {}
    actual, expected = seconds[known].astype(np.float64), predicted[known]
    rng = np.random.default_rng(0)
    left, right = rng.integers(0, len(actual), (2, 200_000))
    differs = actual[left] != actual[right]
    agrees = (actual[left] > actual[right]) == (expected[left] > expected[right])
    return {
        "mae": float(np.abs(actual - expected).mean()),
        "xauc": float(agrees[differs].mean()),
        "mean": float(actual.mean()),
        "mean_prediction": float(expected.mean()),
    }


def _describe(part: Slice, truth: Truth, catalog: Catalog) -> dict[str, Any]:
    return {
        "cut": to_datetime(part.at_ms).isoformat(),
        "events_known": len(part.past),
        "events_after": len(part.future),
        "contents": len(catalog),
        "viewers_judged": len(truth.viewers),
        "viewers_without_past": truth.n_cold,
        "viewers_without_relevant": truth.n_without,
        "relevant": sum(len(r) for r in truth.relevant),
    }


def _peers(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the measured peers of this very split, if it is one of those they were measured on."""
    for known in json.loads(_PEERS.read_text()):
        data = report["data"]
        if known["protocol"] == report["protocol"] and known["cut_or_viewers"] in {
            data["cut"][:13],
            f"{data['viewers_judged']} of {data['contents']}",
        }:
            return list(known["peers"])
    return []
