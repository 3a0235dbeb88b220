"""Judge ranked lists: every system's list of each viewer, measured with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.candidates.sources import SOURCE_NAMES, SOURCES
from apps.content.types import Catalog
from apps.learning.algorithms import metrics
from apps.learning.evaluation.splits import Truth
from apps.learning.moments import Moment
from apps.ranking.pool import opinions, rank_fusion
from apps.ranking.rankers import Rankers

PRODUCTION = "production"
# Asked for ranked rows of each viewer: the pipeline that serves, given by the layer that has it.
Recommend = Callable[[Moment, Rankers, Sequence[int], int], Iterator[NDArray[np.int64]]]
Lists = dict[str, list[NDArray[np.int64]]]


def ranked_lists(
    then: Moment, rankers: Rankers, truth: Truth, recommend: Recommend, k: int
) -> Lists:
    """Return the lists of the pipeline, of the sources fused without learning, of each source."""
    lists: Lists = {
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


def ndcg_by_viewer(lists: Sequence[NDArray[np.int64]], truth: Truth, k: int) -> metrics.Floats:
    """Return NDCG@k of each viewer's list, float64[m]."""
    return metrics.ranking_metrics(_hits(lists, truth, k), _n_relevant(truth), k)[f"ndcg@{k}"]


def judge_lists(
    lists: Lists, truth: Truth, catalog: Catalog, ks: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """Return every measure of every system, means over viewers with 95 % intervals."""
    report: dict[str, dict[str, Any]] = {}
    for name, ranked in lists.items():
        report[name] = measures(ranked, truth, ks)
        for k in ks:
            shown = np.bincount(np.concatenate([r[:k] for r in ranked]), minlength=len(catalog))
            report[name][f"coverage@{k}"] = float((shown > 0).mean())
            report[name][f"gini@{k}"] = metrics.gini(shown)
    return report


def measures(
    ranked: Sequence[NDArray[np.int64]], truth: Truth, ks: Sequence[int]
) -> dict[str, Any]:
    """Return the measures of one system's lists at every k."""
    hits, n_relevant = _hits(ranked, truth, max(ks)), _n_relevant(truth)
    return {
        metric: metrics.bootstrap_mean(values, np.random.default_rng(0))._asdict()
        for k in ks
        for metric, values in metrics.ranking_metrics(hits, n_relevant, k).items()
    }


def paired(lists: Lists, truth: Truth, k: int) -> dict[str, dict[str, float]]:
    """Return production's NDCG minus every other's, viewer by viewer, with intervals."""
    ndcg = {name: ndcg_by_viewer(ranked, truth, k) for name, ranked in lists.items()}
    ours = ndcg.pop(PRODUCTION)
    return {
        name: metrics.bootstrap_mean(ours - theirs, np.random.default_rng(0))._asdict()
        for name, theirs in ndcg.items()
    }


def _n_relevant(truth: Truth) -> NDArray[np.int64]:
    return np.array([len(r) for r in truth.relevant])


def _hits(lists: Sequence[NDArray[np.int64]], truth: Truth, k: int) -> NDArray[np.bool_]:
    hits = np.zeros((len(lists), k), np.bool_)
    for i, (rows, relevant) in enumerate(zip(lists, truth.relevant, strict=True)):
        best = rows[:k].tolist()
        hits[i, : len(best)] = [row in relevant for row in best]
    return hits
