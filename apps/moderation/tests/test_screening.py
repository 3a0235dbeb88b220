"""Screening: what follows from each zone, and what does not without weights."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.content.models import Content
from apps.content.services import upsert_contents
from apps.content.tests.factories import NOW_MS, make_content
from apps.content.types import ContentMetadata, ContentRow
from apps.moderation import screening, training
from apps.moderation.algorithms.text_classifier import TextClassifier
from apps.moderation.algorithms.zones import Zones
from apps.moderation.models import Case, Decision, ScreeningVerdict, Statement
from apps.moderation.screening import Screening
from apps.moderation.services import cases, decisions
from apps.moderation.tests.corpus import corpus
from apps.moderation.tests.factories import make_case, make_decision, make_user

pytestmark = pytest.mark.django_db
CLEAN, DIRTY = "we sang songs near the river", "you are vile scum"


CERTAIN = np.ones(120, np.bool_)


@functools.cache
def learned() -> TextClassifier:
    return training.train_ordered([training.Corpus(*corpus(seed=s), CERTAIN) for s in (0, 1)])


def screening_with(*zones: float) -> Screening:
    return Screening("screening-1", {"offensive": replace(learned(), zones=Zones(*zones))})


REVIEWING, BLOCKING = (0.5, 2.0), (0.5, 0.6)


def screen(zones: tuple[float, float] = REVIEWING) -> int:
    return screening.screen_changes(screening_with(*zones), now_ms=NOW_MS)


class TestWithoutWeights:
    def test_nothing_is_judged(self) -> None:
        make_content("v1", description=DIRTY)

        assert screening.production() is None
        assert screening.screen_changes(None, now_ms=NOW_MS) == 0
        assert not ScreeningVerdict.objects.exists()

    def test_page_says_so(self, client: Any) -> None:
        client.force_login(make_user())

        assert "Texts are not screened" in client.get("/moderation/").content.decode()


class TestReview:
    def test_suspicious_text_waits_with_limited_reach(self) -> None:
        make_content("clean", description=CLEAN)
        make_content("dirty", description=DIRTY)

        assert screen() == 2

        case = Case.objects.get()
        assert (case.content.content_id, case.source, case.clause) == ("dirty", "screening", "hate")
        assert case.content.is_reach_limited
        assert case.content.status == "active"
        assert not Content.objects.get(content_id="clean").is_reach_limited
        verdict = ScreeningVerdict.objects.get(content=case.content)
        assert (verdict.kind, verdict.zone, verdict.version) == (
            "text",
            "review",
            "screening-1",
        )
        assert any("vile" in term or "scum" in term for term, _ in verdict.grounds)

    def test_creator_can_be_told_since_when_and_why_it_is_held(self, api: Any) -> None:
        make_content("v1", description=DIRTY)
        make_content("v2", description=CLEAN)
        screen()

        def told(content_id: str = "v1") -> Any:
            return api.get("statements", content_id=content_id).json()["held"]

        held = told()
        assert (held["category"], held["reference"]) == ("hate", "Terms 4.1")
        assert datetime.fromisoformat(held["since"]).timestamp() * 1000 == NOW_MS
        assert held["since"] < held["due_at"]
        assert "automated check found that the text may fall under: Hate" in held["reason"]
        assert held["restriction"] == "visibility: followers only"
        assert held["automated_detection"]
        assert held["automated_decision"]
        assert told("v2") is None
        make_decision("none", case=Case.objects.get())
        assert told() is None

    def test_moment_of_the_hold_is_that_of_the_first(self, api: Any) -> None:
        make_content("v1", description=DIRTY)
        screen()
        again = screening_with(*REVIEWING)._replace(version="screening-2")
        screening.screen_changes(again, now_ms=NOW_MS + 1000)

        assert ScreeningVerdict.objects.get().screened_ms == NOW_MS + 1000
        assert Case.objects.get().held_ms == NOW_MS

    def test_changed_text_stays_held_and_says_that_it_was_another(self, api: Any) -> None:
        make_content("v1", description=DIRTY)
        screen()
        row = ContentRow("v1", "bob", metadata=ContentMetadata(description=CLEAN))
        upsert_contents([row], now_ms=NOW_MS + 1000)
        screen()

        held = api.get("statements", content_id="v1").json()["held"]
        assert held["category"] == "hate"
        assert "what it said or showed before" in held["reason"]

    def test_hold_without_a_known_clause_is_said_too(self, api: Any) -> None:
        make_case("v1")
        Case.objects.update(clause="", held_ms=NOW_MS)

        held = api.get("statements", content_id="v1").json()["held"]
        assert (held["category"], held["reference"]) == ("other", "Terms")

    def test_reported_content_is_not_held(self, api: Any) -> None:
        make_case("v1")

        assert api.get("statements", content_id="v1").json() == {"items": [], "held": None}

    def test_no_action_lifts_the_limit_and_undo_puts_it_back(self) -> None:
        make_content("v1", description=DIRTY)
        screen()
        mo = make_user()

        decision = make_decision("none", case=Case.objects.get(), user=mo)
        assert not Content.objects.get().is_reach_limited
        decisions.undo(decision.pk, user=mo, is_senior=False, now_ms=NOW_MS)

        assert Content.objects.get().is_reach_limited

    def test_hold_of_a_reported_content_comes_back_with_an_undone_decision(self) -> None:
        case = make_case("v1", description=DIRTY)
        screen()
        mo = make_user()
        decision = make_decision("none", case=case, user=mo)
        assert not Content.objects.get().is_reach_limited

        decisions.undo(decision.pk, user=mo, is_senior=False, now_ms=NOW_MS)

        assert Content.objects.get().is_reach_limited

    def test_same_text_is_judged_once_and_a_changed_one_again(self) -> None:
        make_content("v1", description=CLEAN)
        assert (screen(), screen()) == (1, 0)

        row = ContentRow("v1", metadata=ContentMetadata(description=DIRTY))
        upsert_contents([row], now_ms=NOW_MS + 5)

        assert screen() == 1
        assert ScreeningVerdict.objects.get().zone == "review"

    def test_late_commit_with_an_older_stamp_is_found(self) -> None:
        make_content("v1", description=CLEAN, now_ms=NOW_MS - 1000)
        screen()
        make_content("late", description=DIRTY, now_ms=NOW_MS - 2000)

        assert screen() == 1

    def test_idle_run_reads_nothing_old_again(self, django_assert_max_num_queries: Any) -> None:
        make_content("v1", description=CLEAN, now_ms=NOW_MS - 120_000)
        screen()

        with django_assert_max_num_queries(2):  # the mark, and what is newer
            assert screen() == 0

    def test_metrics_tell_how_the_queue_stands(self, client: Any) -> None:
        make_content("v1", description=DIRTY)
        screen()

        told = client.get("/metrics").content.decode()

        assert 'recsys_cases{state="open"} 1.0' in told
        assert "recsys_screening_trained 0.0" in told

    def test_tags_are_read_and_a_content_without_words_is_not_judged(self) -> None:
        make_content("tagged", tags=["vile", "scum"])
        make_content("silent")

        screen()

        assert ScreeningVerdict.objects.get().content.content_id == "tagged"


class TestBlock:
    def test_certain_text_is_removed_by_machine_with_reasons(self) -> None:
        make_content("v1", description=DIRTY)

        screen(BLOCKING)

        decision = Decision.objects.get()
        statement = Statement.objects.get()
        assert Content.objects.get().status == "removed"
        assert decision.is_automated
        assert decision.decided_by is None
        assert statement.was_detected_automatically
        assert statement.was_decided_automatically

    def test_operator_may_leave_all_removals_to_moderators(self, settings: Any) -> None:
        settings.SCREENING_REMOVES = False
        make_content("v1", description=DIRTY)

        screen(BLOCKING)

        assert Content.objects.get().status == "active"
        assert Content.objects.get().is_reach_limited
        assert Case.objects.get().state == "open"

    def test_case_that_a_moderator_holds_is_left_to_them(self) -> None:
        case = make_case("v1", description=DIRTY)
        cases.claim(case.pk, user=make_user(), now_ms=NOW_MS)

        screen(BLOCKING)

        assert not Decision.objects.exists()
        assert Content.objects.get().status == "active"
        assert Content.objects.get().is_reach_limited


def test_stored_classifier_scores_as_the_one_that_was_learned(tmp_path: Path) -> None:
    made = screening_with(0.5, 0.9).classifiers
    screening.write_classifiers(tmp_path, made)

    read = screening.read_classifiers(tmp_path)["offensive"]

    texts, _ = corpus(seed=9)
    assert np.array_equal(read.scores(texts), made["offensive"].scores(texts))
    assert read.zones == (0.5, 0.9)
