"""What editors change about a page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apps.candidates.models import Rule
from apps.candidates.rules import CompiledRule
from apps.candidates.types import Request
from apps.content.tests.factories import DAY_MS, NOW_MS, make_catalog
from apps.core.candidates import Candidates
from apps.events.types import EventLog
from apps.features.stats import Stats
from apps.features.types import Context, Query
from apps.ranking.editorial import EDITORIAL, Exclusions, Pins, Weights

CATALOG = make_catalog(12, creators=4)


def make_rule(
    effect: str = "weight", *, from_ms: int = 0, until_ms: int = 2**62, **given: Any
) -> CompiledRule:
    return CompiledRule(Rule(name="r", effect=effect, **given), from_ms, until_ms)


def make_request(*, language: int = -1, surface: int = 0, **given: Any) -> Request:
    query = Query(
        viewer=1,
        at_ms=NOW_MS,
        history=EventLog.empty(),
        context=Context(surface=surface),
        language=language,
    )
    return Request(query=query, catalog=CATALOG, stats=Stats(CATALOG), **given)


def candidates(*rows: int, scores: list[float] | None = None) -> Candidates:
    n = len(rows)
    return Candidates(
        np.array(rows, np.int64),
        {
            "score": np.array(scores or np.arange(n, 0, -1), np.float64),
            "main_source": np.zeros(n, np.int8),
            "sources": np.ones(n, np.uint32),
            "features": np.ones((n, 3), np.float32),
        },
    )


def weighted(rule: CompiledRule, found: Candidates, request: Request | None = None) -> list[float]:
    stage = Weights(lambda _: [rule])
    return stage(request or make_request(), found)["score"].tolist()


class TestWeights:
    def test_factor_multiplies_the_score(self) -> None:
        # Row 1 is by creator 1, whose key is 101.
        rule = make_rule(factor=3.0, creator_id=101)
        assert weighted(rule, candidates(0, 1, 2, scores=[5, 4, 2])) == [5, 12, 2]

    def test_demotion_lowers_negative_scores_too(self) -> None:
        # −2 stands 4 above the worst; half of that is −4
        rule = make_rule(factor=0.5, content_id=1001)
        assert weighted(rule, candidates(0, 1, 2, scores=[-1, -2, -6])) == [-1, -4, -6]

    def test_what_has_no_score_stays_without(self) -> None:
        rule = make_rule(factor=2.0)
        assert weighted(rule, candidates(0, 1, scores=[1, -np.inf])) == [2, -np.inf]

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ({"category": "music"}, CATALOG.category == 0),
            ({"category": "unheard of"}, np.zeros(12, bool)),
            ({"language": "de"}, CATALOG.language == 1),
            ({"min_seconds": 30.0}, CATALOG.duration_seconds >= 30),
            ({"max_seconds": 30.0}, CATALOG.duration_seconds <= 30),
            ({"min_age_hours": 480.0}, CATALOG.uploaded_ms <= NOW_MS - 20 * DAY_MS),
            ({"max_age_hours": 480.0}, CATALOG.uploaded_ms >= NOW_MS - 20 * DAY_MS),
            ({"creator_id": 999}, np.zeros(12, bool)),
        ],
    )
    def test_rule_speaks_of_what_meets_its_condition(
        self, condition: dict[str, Any], expected: np.ndarray
    ) -> None:
        rule = make_rule(**condition)
        rows = np.arange(12)
        assert rule.holds(CATALOG, rows, NOW_MS).tolist() == expected.tolist()


class TestAudience:
    @pytest.mark.parametrize(
        ("rule", "request_", "holds"),
        [
            (make_rule(viewer_language="de"), make_request(language=1), True),
            (make_rule(viewer_language="de"), make_request(language=0), False),
            (make_rule(viewer_language="de"), make_request(), False),
            (make_rule(viewer_age_group="18-24"), make_request(age_group="18-24"), True),
            (make_rule(viewer_age_group="18-24"), make_request(), False),
            (make_rule(surface=2), make_request(surface=2), True),
            (make_rule(surface=2), make_request(), False),
            (make_rule(from_ms=NOW_MS), make_request(), True),
            (make_rule(from_ms=NOW_MS + 1), make_request(), False),
            (make_rule(until_ms=NOW_MS), make_request(), False),
        ],
    )
    def test_rule_holds_for_its_audience_and_time_only(
        self, rule: CompiledRule, request_: Request, holds: bool
    ) -> None:
        assert rule.is_for(request_) == holds


class TestExclusions:
    def test_what_a_rule_speaks_of_is_removed(self) -> None:
        stage = Exclusions(lambda _: [make_rule("exclude", category="music")])
        found = candidates(*range(12))
        kept = found.rows[stage(make_request(), found)]
        assert kept.tolist() == np.flatnonzero(CATALOG.category != 0).tolist()


class TestPins:
    def pinned(self, found: Candidates, request: Request, **rule: Any) -> Candidates:
        return Pins(lambda _: [make_rule("pin", **rule)])(request, found)

    def test_candidate_moves_to_its_place(self) -> None:
        page = self.pinned(candidates(0, 1, 2, 3), make_request(), content_id=1003, position=1)
        assert page.rows.tolist() == [0, 3, 1, 2]
        assert page["main_source"].tolist() == [0, EDITORIAL, 0, 0]
        assert page["score"].tolist() == [4, 1, 3, 2]

    def test_content_that_no_source_proposed_is_added_without_opinions(self) -> None:
        page = self.pinned(candidates(0, 1), make_request(), content_id=1007, position=0)
        assert page.rows.tolist() == [7, 0, 1]
        assert np.isnan(page["features"][0]).all()
        assert page["features"].shape == (3, 3)

    def test_position_counts_from_the_start_of_the_scroll(self) -> None:
        found = candidates(0, 1, 2)
        later = make_request(position=10)
        assert self.pinned(found, later, content_id=1007, position=11).rows.tolist()[1] == 7
        assert self.pinned(found, later, content_id=1007, position=9) is found

    def test_pin_beyond_the_end_comes_last(self) -> None:
        page = self.pinned(candidates(0), make_request(), content_id=1005, position=40)
        assert page.rows.tolist() == [0, 5]

    def test_met_content_is_not_pinned(self) -> None:
        served = make_request(served=np.array([7]))
        assert 7 not in self.pinned(candidates(0), served, content_id=1007).rows

    def test_two_pins_get_both_their_places(self) -> None:
        rules = [
            make_rule("pin", content_id=1009, position=2),
            make_rule("pin", content_id=1008, position=0),
        ]
        page = Pins(lambda _: rules)(make_request(), candidates(0, 1, 2))
        assert page.rows.tolist() == [8, 0, 9, 1, 2]
