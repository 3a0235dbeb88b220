"""Train on each fold of a protocol and return the report of how its future was predicted."""

from __future__ import annotations

from typing import Any

import numpy as np

from apps.events.types import EventLog
from apps.learning.evaluation import groups, prequential, ranking, scoring
from apps.learning.evaluation.earlier import Earlier, judgeable
from apps.learning.evaluation.peers import peers_of
from apps.learning.evaluation.plan import Plan
from apps.learning.evaluation.ranking import PRODUCTION
from apps.learning.evaluation.splits import EvaluationError, Fold, describe, folds
from apps.learning.moments import moment
from apps.learning.training import Trained, train_all

LAST_PRODUCTION = "last_production"
CURVE_SHARES = (0.25, 0.5)  # of the past, beside all of it


def evaluate(log: EventLog, plan: Plan, *, protocol: str) -> dict[str, Any]:
    """Return the report of the latest fold, and of all with mean and spread where there are more.

    Raises `EvaluationError` when no viewer of any future can be judged.
    """
    reports = []
    for fold in folds(log, plan.catalog, protocol):
        if not fold.truth.viewers:
            plan.say(f"{fold.name}: nobody to judge")
            continue
        known, viewers = len(fold.part.past), len(fold.truth.viewers)
        plan.say(f"{fold.name}: {known:,} events known, {viewers:,} viewers judged")
        judge = prequential.judge_fold if protocol == "prequential" else judge_fold
        reports.append({"fold": fold.name, **judge(fold, plan, protocol)})
    if not reports:
        raise EvaluationError("no viewer of the test part has a past: there is nothing to judge")
    report = {"protocol": protocol, **reports[-1]}
    report["peers"] = peers_of(report)
    if len(reports) > 1:
        report["spread"] = _spread(reports, f"ndcg@{plan.ks[0]}")
        report["folds"] = reports
    return report


def judge_fold(fold: Fold, plan: Plan, protocol: str) -> dict[str, Any]:
    """Return what models that know `fold.learned` make of the fold's future."""
    part, truth, k = fold.part, fold.truth, plan.ks[0]
    trained = train_all(fold.learned, plan.catalog, plan.params, version="evaluation", say=plan.say)
    then = moment(part.past, plan.catalog, trained.retrieval, part.at_ms)
    plan.say("ranking the catalogue for every judged viewer")
    lists = ranking.ranked_lists(then, trained.rankers, truth, plan.recommend, max(plan.ks))
    for name, other in plan.others.items():
        lists[name] = list(other(then, trained.rankers, truth.viewers, max(plan.ks)))
    earlier = judgeable(plan.earlier, part.at_ms, protocol)
    if isinstance(earlier, Earlier):
        seen = moment(part.past, plan.catalog, earlier.bundle.retrieval, part.at_ms)
        asked = plan.recommend(seen, earlier.bundle.rankers, truth.viewers, max(plan.ks))
        lists[LAST_PRODUCTION] = list(asked)
    plan.say("judging")
    ndcg = ranking.ndcg_by_viewer(lists[PRODUCTION], truth, k)
    report: dict[str, Any] = {
        "data": describe(fold, plan.catalog),
        "ranking": ranking.judge_lists(lists, truth, plan.catalog, plan.ks),
        "paired": ranking.paired(lists, truth, k),
        "groups": groups.lists_by_group(ndcg, truth, part.past, plan.catalog),
        "last_production": earlier if isinstance(earlier, str) else earlier.bundle.version,
    }
    if protocol != "leave-last":
        report |= _scoring(fold, plan, trained, earlier, online=protocol != "kfold")
    if plan.curve:
        report["curve"] = _curve(fold, plan, float(ndcg.mean()))
    return report


def _scoring(
    fold: Fold, plan: Plan, trained: Trained, earlier: Earlier | str, *, online: bool
) -> dict[str, Any]:
    """Judge the heads. frozen: nothing of the future is known. online: the views before each."""
    part, catalog = fold.part, plan.catalog
    views = scoring.judged_views(part.future, catalog)
    x = scoring.inputs_of(part.past, catalog, views)
    scorers = scoring.scorers(trained.rankers)
    served = next(iter(scorers))
    names = {name: "frozen" if name == served else f"{name}, frozen" for name in scorers}
    predicted = {names[name]: predict(x) for name, predict in scorers.items()}
    if isinstance(earlier, Earlier):
        predicted[LAST_PRODUCTION] = earlier.bundle.rankers.predict_heads(x)
    predicted["popularity"] = scoring.popularity(fold.learned, catalog, views)
    report = {name: scoring.judge(views, p, frozen=True) for name, p in predicted.items()}
    by_group = groups.views_by_group(views, predicted["frozen"], part.past, catalog)
    if online:
        everything = EventLog.concat([part.past, part.future])
        moving = scoring.inputs_of(everything, catalog, views)
        report["online"] = scoring.judge(views, scorers[served](moving), frozen=False)
    return {"scoring": report, "view_groups": by_group}


def _curve(fold: Fold, plan: Plan, whole: float) -> dict[str, float]:
    """Return NDCG by the share of the past that models learned from, its latest part."""
    found: dict[str, float] = {}
    for share in CURVE_SHARES:
        plan.say(f"learning from {share:.0%} of the past")
        learned = fold.learned.take(slice(int((1 - share) * len(fold.learned)), None))
        trained = train_all(learned, plan.catalog, plan.params, version="curve", say=plan.say)
        then = moment(fold.part.past, plan.catalog, trained.retrieval, fold.part.at_ms)
        viewers = fold.truth.viewers
        lists = list(plan.recommend(then, trained.rankers, viewers, plan.ks[0]))
        found[f"{share:g}"] = float(ranking.ndcg_by_viewer(lists, fold.truth, plan.ks[0]).mean())
    return {**found, "1": whole}


def _spread(reports: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    """Return mean, standard deviation and values over the folds, of lists and of the heads."""
    values: dict[str, list[float]] = {}
    for report in reports:
        for system, measured in report.get("ranking", {}).items():
            values.setdefault(f"{system} {metric}", []).append(measured[metric]["value"])
        for mode, heads in report.get("scoring", {}).items():
            for head, judged in heads.items():
                if "auc" in judged:
                    values.setdefault(f"{mode} {head} auc", []).append(judged["auc"]["value"])
                    values.setdefault(f"{mode} {head} log_loss", []).append(judged["log_loss"])
    return {
        name: {"mean": float(np.mean(v)), "deviation": float(np.std(v)), "values": v}
        for name, v in values.items()
    }
