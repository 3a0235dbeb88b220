"""Judging: who is judged by what, and that nothing after the cut was known."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.tests.factories import NOW_MS, make_log
from apps.events.types import EventLog, EventType
from apps.learning.evaluation.plan import Plan
from apps.learning.evaluation.protocols import evaluate
from apps.learning.evaluation.report import as_markdown
from apps.learning.evaluation.scoring import judge_head
from apps.learning.evaluation.splits import FIRST_VIEWS, GROUPS, EvaluationError, folds
from apps.learning.tests.evaluation.factories import CATALOG, LOG, Asked
from apps.learning.tests.factories import N_CONTENTS, PARAMS
from apps.ranking.types import WATCH_SECONDS, Head

pytestmark = pytest.mark.django_db
VIEW = EventType.VIEW
FOLDS = list(folds(LOG, CATALOG, "kfold"))


def judged(
    log: EventLog, protocol: str = "temporal", ks: Sequence[int] = (5, 10)
) -> tuple[dict[str, Any], Asked]:
    asked = Asked()
    plan = Plan(CATALOG, PARAMS, asked, ks, say=lambda _: None)
    report = evaluate(log, plan, protocol=protocol)
    return report, asked


@lru_cache
def judged_once(protocol: str = "temporal") -> tuple[dict[str, Any], Asked]:
    return judged(LOG, protocol)


class TestTemporal:
    def test_report_has_every_key_and_is_strict_json(self) -> None:
        report, _ = judged_once()
        assert {"protocol", "data", "ranking", "paired", "scoring", "peers"} <= set(report)
        assert set(report["ranking"]) == {"production", "rank_fusion", *SOURCE_NAMES}
        assert set(report["paired"]) == {"rank_fusion", *SOURCE_NAMES}
        metrics = ("ndcg", "precision", "recall", "map", "hit_rate", "mrr", "coverage", "gini")
        assert set(report["ranking"]["fresh"]) == {f"{m}@{k}" for m in metrics for k in (5, 10)}
        alone = {"boosted, frozen", "neural, frozen"}
        assert set(report["scoring"]) == {"frozen", "popularity", "online", *alone}
        assert json.loads(json.dumps(report, allow_nan=False)) == report

    def test_heads_that_happened_are_judged(self) -> None:
        scoring = judged_once()[0]["scoring"]
        happened = {Head.LONG_VIEW, Head.CLICK, Head.COMPLETE, Head.LIKE, WATCH_SECONDS}
        assert set(scoring["frozen"]) == happened
        long_view = scoring["frozen"][Head.LONG_VIEW]
        assert long_view["rate"] == pytest.approx(0.5, abs=0.1)
        assert long_view["auc"]["low"] <= long_view["auc"]["value"] <= long_view["auc"]["high"]

    def test_counts_add_up(self) -> None:
        data = judged_once()[0]["data"]
        assert data["events_known"] + data["events_after"] == len(LOG)
        assert data["viewers_judged"] + data["viewers_without_relevant"] == 30
        assert data["viewers_without_past"] == 0

    def test_only_the_past_is_known_at_the_cut(self) -> None:
        report, asked = judged_once()
        (then,) = asked.moments
        known = then.histories.events_of(1, NOW_MS * 2)
        assert then.stats.n_events == report["data"]["events_known"]
        assert known.at_ms.max() < then.at_ms

    def test_what_was_met_is_never_recommended(self) -> None:
        _, asked = judged_once()
        before = LOG.before(asked.moments[0].at_ms)
        met = set(zip(before.viewer.tolist(), before.content.tolist(), strict=True))
        listed = {(v, row) for v, rows in asked.lists.items() for row in rows}
        assert len(listed) == 10 * len(asked.lists)
        assert not met & listed

    def test_wild_events_after_the_cut_change_no_list(self) -> None:
        _, calm = judged_once()
        cut = calm.moments[0].at_ms
        liked = np.random.default_rng(1).integers(0, N_CONTENTS, 600)
        wild = make_log(
            [
                (i % 30 + 1, row, cut + 1 + i, EventType.SHARE if i % 2 else EventType.LIKE)
                for i, row in enumerate(liked.tolist())
            ]
        )
        _, stormy = judged(EventLog.concat([LOG, wild]))
        assert stormy.moments[0].at_ms == cut
        assert stormy.lists == calm.lists

    def test_wild_events_before_the_cut_change_lists(self) -> None:
        _, calm = judged_once()
        cut = calm.moments[0].at_ms
        wild = make_log([(v, v + 60, cut - 5, EventType.SHARE) for v in range(1, 31)])
        assert judged(EventLog.concat([LOG, wild]))[1].lists != calm.lists


class TestLeaveLast:
    def test_each_viewer_is_judged_by_the_last_view(self) -> None:
        report, asked = judged_once("leave-last")
        assert report["data"]["viewers_judged"] == report["data"]["relevant"] == 30
        assert asked.moments[0].at_ms == LOG.at_ms[-1] + 1
        assert "scoring" not in report

    def test_recall_and_hit_rate_are_the_same_with_one_relevant(self) -> None:
        production = judged_once("leave-last")[0]["ranking"]["production"]
        assert production["recall@10"] == production["hit_rate@10"]


def test_log_in_which_nobody_returns_cannot_be_judged() -> None:
    log = make_log([(viewer, 1, NOW_MS + viewer) for viewer in range(1, 40)])
    with pytest.raises(EvaluationError, match="nothing to judge"):
        judged(log)


def test_head_of_viewers_who_never_differ_has_no_grouped_auc() -> None:
    label = np.array([True, True, False])
    frozen = judge_head(label, np.array([0.9, 0.8, 0.2]), np.array([1, 1, 2]), grouped=True)
    assert frozen["auc"]["value"] == 1
    assert "gauc" not in frozen  # NaN is no JSON


class TestMarkdown:
    def test_every_system_and_head_has_its_line(self) -> None:
        text = as_markdown(judged_once()[0])
        assert text.startswith("# Evaluation, temporal split\n")
        for name in ("production", "rank_fusion", *SOURCE_NAMES, "long_view", "like"):
            assert f"| {name}" in text

    def test_tables_are_whole(self) -> None:
        text = as_markdown(judged_once()[0])
        tables = [
            [line.count("|") for line in block.splitlines()]
            for block in text.split("\n\n")
            if block.startswith("|")
        ]
        assert len(tables) >= 3
        assert all(len(set(widths)) == 1 for widths in tables)

    def test_peers_stand_beside_where_they_are_known(self) -> None:
        report = judged_once()[0] | {"peers": [{"name": "kNN", "ndcg@10": 0.06}]}
        assert "| kNN | 0.0600 |" in as_markdown(report)

    def test_report_without_heads_is_rendered(self) -> None:
        text = as_markdown(judged_once("leave-last")[0])
        assert "leave-last" in text
        assert "Predictions" not in text


class TestRolling:
    def test_each_fold_is_judged_and_spread_is_reported(self) -> None:
        report, asked = judged_once("rolling")
        assert [fold["fold"] for fold in report["folds"]] == ["cut 1", "cut 2", "cut 3"]
        cuts = [then.at_ms for then in asked.moments]
        assert cuts == sorted(set(cuts))
        values = report["spread"]["production ndcg@5"]["values"]
        assert values == [f["ranking"]["production"]["ndcg@5"]["value"] for f in report["folds"]]
        assert report["spread"]["production ndcg@5"]["mean"] == pytest.approx(np.mean(values))

    def test_no_future_reaches_into_the_next_fold(self) -> None:
        parts = [fold.part for fold in folds(LOG, CATALOG, "rolling")]
        assert all(part.past.at_ms.max() < part.at_ms for part in parts)
        pairs = itertools.pairwise(parts)
        assert all(part.future.at_ms.max() < after.at_ms for part, after in pairs)


class TestKFold:
    def test_every_viewer_after_the_cut_is_held_out_once(self) -> None:
        held = [set(np.unique(f.part.future.viewer).tolist()) for f in FOLDS]
        assert sum(map(len, held)) == len(set().union(*held)) == 30
        assert len(held) == GROUPS

    @pytest.mark.parametrize("number", range(GROUPS))
    def test_nothing_of_a_held_out_viewer_is_learned(self, number: int) -> None:
        fold = FOLDS[number]
        held = np.unique(fold.part.future.viewer)
        assert not np.isin(fold.learned.viewer, held).any()
        assert len(fold.learned) > 0

    @pytest.mark.parametrize("number", range(GROUPS))
    def test_first_views_of_a_newcomer_are_known_when_judged(self, number: int) -> None:
        part = FOLDS[number].part
        views = part.past.take(part.past.kind == VIEW)
        known = [int((views.viewer == v).sum()) for v in FOLDS[number].truth.viewers]
        assert known == [FIRST_VIEWS] * len(known)
        assert known

    def test_report_judges_newcomers(self) -> None:
        report, _ = judged_once("kfold")
        assert len(report["folds"]) == GROUPS
        assert {"frozen", "boosted, frozen", "popularity"} <= set(report["scoring"])
        assert "online" not in report["scoring"]


class TestPrequential:
    def test_chunks_part_the_future(self) -> None:
        report, _ = judged_once("prequential")
        scoring = report["scoring"]
        assert set(scoring) == {"frozen", "chunks", "retrained", "online", "popularity"}
        assert len(report["chunks"]) == 4
        assert "gauc" not in scoring["online"][Head.LONG_VIEW]

    def test_first_chunk_knows_what_the_cut_knows(self) -> None:
        chunks = judged_once("prequential")[0]["chunks"]
        first, last = ((c["frozen"]["like"], c["chunks"]["like"]) for c in (chunks[0], chunks[-1]))
        assert first[0]["log_loss"] == first[1]["log_loss"]
        assert last[0]["log_loss"] != last[1]["log_loss"]


def test_learning_curve_ends_with_all_of_the_past() -> None:
    plan = Plan(CATALOG, PARAMS, Asked(), (5,), say=lambda _: None, curve=True)
    report = evaluate(LOG, plan, protocol="temporal")
    assert list(report["curve"]) == ["0.25", "0.5", "1"]
    assert report["curve"]["1"] == pytest.approx(report["ranking"]["production"]["ndcg@5"]["value"])


class TestGroups:
    def test_groups_of_viewers_add_up(self) -> None:
        report, _ = judged_once()
        by_count = report["groups"]["views of the viewer before"]
        assert sum(g["viewers"] for g in by_count.values()) == report["data"]["viewers_judged"]

    def test_groups_of_views_add_up_to_the_head(self) -> None:
        report, _ = judged_once()
        groups = report["view_groups"]["language of the viewer"]["unknown"]
        judged_head = report["scoring"]["frozen"]["long_view"]
        assert groups["log_loss"] == pytest.approx(judged_head["log_loss"])


@pytest.mark.parametrize("protocol", ["rolling", "kfold", "prequential"])
def test_every_protocol_is_rendered_and_is_strict_json(protocol: str) -> None:
    report, _ = judged_once(protocol)
    text = as_markdown(report)
    assert f"{protocol} split" in text
    assert "| frozen | long_view |" in text
    assert json.loads(json.dumps(report, allow_nan=False)) == report
