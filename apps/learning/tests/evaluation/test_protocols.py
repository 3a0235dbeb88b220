"""Judging: who is judged by what, and that nothing after the cut was known."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.candidates.sources import SOURCE_NAMES, SOURCES
from apps.candidates.tests.factories import NOW_MS, make_catalog, make_log
from apps.core.pipeline import Pipeline
from apps.events.types import EventLog, EventType
from apps.learning.bundle import Bundle
from apps.learning.evaluation.earlier import Earlier
from apps.learning.evaluation.plan import Plan
from apps.learning.evaluation.protocols import evaluate
from apps.learning.evaluation.report import as_markdown
from apps.learning.evaluation.scoring import judge_head
from apps.learning.evaluation.splits import (
    FIRST_VIEWS,
    GROUPS,
    EvaluationError,
    folds,
    truth_of,
)
from apps.learning.moments import Moment
from apps.learning.slices import Slice
from apps.learning.tests.factories import N_CONTENTS, PARAMS, returning_viewers
from apps.learning.training import train_all
from apps.ranking.rankers import Rankers
from apps.ranking.scorers import Depth, LearnedSelect, RankFusion
from apps.ranking.types import WATCH_SECONDS, Head

pytestmark = pytest.mark.django_db
CATALOG = make_catalog(N_CONTENTS)
LOG = returning_viewers()
VIEW = EventType.VIEW
FOLDS = list(folds(LOG, CATALOG, "kfold"))
Lists = dict[int, list[int]]


class Asked:
    """Recommends as the feed does, and remembers what it was asked and what it answered."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.lists: Lists = {}

    def __call__(
        self, then: Moment, rankers: Rankers, viewers: Sequence[int], k: int
    ) -> Iterator[NDArray[np.int64]]:
        self.moments.append(then)
        ladder = (
            LearnedSelect(lambda request: rankers, lambda request: Depth(50, 50)),
            RankFusion(),
        )
        for viewer in viewers:
            request = then.request(viewer)
            found = Pipeline(SOURCES, (), ladder, ()).run(request, request.excluded())
            order = np.argsort(-found.candidates["score"], kind="stable")[:k]
            rows = found.candidates.rows[order]
            self.lists[viewer] = rows.tolist()
            yield rows


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


class TestTruth:
    # Viewers 1–4 have a past; 5 has none.
    PAST = make_log([(viewer, 0, NOW_MS - 100) for viewer in (1, 2, 3, 4)])
    FUTURE = make_log(
        [
            (1, 1, NOW_MS),  # long and new: relevant
            (1, 2, NOW_MS + 1, VIEW, 3.0),  # short
            (1, 1, NOW_MS + 2),  # again: one content
            (2, 0, NOW_MS + 3),  # long, but met before
            (3, 4, NOW_MS + 4, VIEW, 3.0),  # short
            (3, 5, NOW_MS + 5, EventType.LIKE),  # no view
            (4, 3, NOW_MS + 6),
            (4, 7, NOW_MS + 7),
            (5, 1, NOW_MS + 8),  # long, by a stranger
        ]
    )
    PART = Slice(PAST, FUTURE, NOW_MS)

    def test_relevant_are_unseen_long_views(self) -> None:
        truth = truth_of(self.PART, CATALOG, any_view=False)
        assert dict(zip(truth.viewers, truth.relevant, strict=True)) == {1: {1}, 4: {3, 7}}

    def test_viewers_who_are_not_judged_are_counted(self) -> None:
        truth = truth_of(self.PART, CATALOG, any_view=False)
        assert truth.n_cold == 1  # viewer 5
        assert truth.n_without == 2  # viewers 2 and 3

    def test_any_view_is_relevant_when_only_the_last_is_held(self) -> None:
        views = self.FUTURE.take(self.FUTURE.kind == VIEW)
        truth = truth_of(Slice(self.PAST, views, NOW_MS), CATALOG, any_view=True)
        assert dict(zip(truth.viewers, truth.relevant, strict=True)) == {
            1: {1, 2},
            3: {4},
            4: {3, 7},
        }


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


class TestLastProduction:
    def judged_beside(self, until_ms: int, protocol: str = "temporal") -> dict[str, Any]:
        part = next(folds(LOG, CATALOG, "temporal")).part
        trained = train_all(part.past, CATALOG, PARAMS, version="v", say=lambda _: None)
        bundle = Bundle("bundle-7", trained.retrieval, trained.rankers, trained.encoder)
        earlier = Earlier(bundle, until_ms)
        plan = Plan(CATALOG, PARAMS, Asked(), (5,), say=lambda _: None, earlier=earlier)
        return evaluate(LOG, plan, protocol=protocol)

    def test_version_that_ends_before_the_cut_stands_in_every_table(self) -> None:
        cut = next(folds(LOG, CATALOG, "temporal")).part.at_ms
        report = self.judged_beside(cut - 1)
        assert report["last_production"] == "bundle-7"
        assert report["ranking"]["last_production"] == report["ranking"]["production"]
        assert report["paired"]["last_production"]["value"] == 0
        assert "long_view" in report["scoring"]["last_production"]

    def test_version_that_has_seen_the_future_is_left_out_and_that_is_said(self) -> None:
        cut = next(folds(LOG, CATALOG, "temporal")).part.at_ms
        report = self.judged_beside(cut)
        assert report["last_production"] == "bundle-7 was trained on this future: it is not judged"
        assert "last_production" not in report["ranking"]
        assert "last_production" not in report["scoring"]
        assert "it is not judged" in as_markdown(report)

    def test_version_is_judged_chunk_by_chunk_too(self) -> None:
        cut = next(folds(LOG, CATALOG, "temporal")).part.at_ms
        scoring = self.judged_beside(cut - 1, "prequential")["scoring"]
        assert scoring["last_production"]["like"]["auc"] == scoring["frozen"]["like"]["auc"]

    def test_version_that_knows_the_held_out_viewers_is_left_out(self) -> None:
        report = self.judged_beside(0, "kfold")
        assert "knows the held-out viewers" in report["last_production"]
        assert "last_production" not in report["scoring"]
