"""Judging the first stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.tests.factories import SMALL, make_catalog
from apps.events.types import EventLog
from apps.learning.evaluation.sources import UNION, as_table, evaluate_sources
from apps.learning.evaluation.splits import EvaluationError
from apps.learning.tests.factories import N_CONTENTS, returning_viewers

pytestmark = pytest.mark.django_db
CATALOG = make_catalog(N_CONTENTS)
LOG = returning_viewers()


def judged(log: EventLog = LOG, **quotas: int) -> dict[str, dict[str, Any]]:
    params = replace(SMALL, quotas={**SMALL.quotas, **quotas})
    return evaluate_sources(
        log, CATALOG, params, protocol="temporal", ks=(5, 10), say=lambda _: None
    )


def test_every_source_and_the_union_are_judged() -> None:
    report = judged()
    assert set(report) == {*SOURCE_NAMES, UNION}


def test_whole_catalogue_holds_everything() -> None:
    # All but what was uploaded after the split, which nobody could have proposed.
    report = judged(fresh=N_CONTENTS)
    assert 0.5 < report["fresh"]["recall@500"] == report[UNION]["recall"]


def test_union_holds_at_least_what_any_of_its_sources_proposes() -> None:
    none = dict.fromkeys(SOURCE_NAMES, 0)
    report = judged(**{**none, "fresh": 8, "popular_ever": 8})
    alone = judged(**{**none, "fresh": 8})
    assert report[UNION]["recall"] >= alone[UNION]["recall"]
    assert 8 <= report[UNION]["candidates"] <= 16


def test_recall_at_the_unions_size_is_of_as_many_candidates() -> None:
    report = judged(**{**dict.fromkeys(SOURCE_NAMES, 0), "popular_ever": 8})
    # With one source the union is that source's list.
    assert report["popular_ever"]["recall_at_union"] == report[UNION]["recall"]


def test_table_has_a_row_a_source_and_the_union() -> None:
    assert as_table(judged(), 5).count("\n") == len(SOURCE_NAMES) + 3


def test_log_without_a_future_is_refused() -> None:
    with pytest.raises(EvaluationError):
        judged(EventLog.empty())
