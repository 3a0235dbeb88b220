"""Decisions: once, by who holds the case, with a reason, and exactly undone."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.models import Content
from apps.content.services import set_status
from apps.content.tests.factories import NOW_MS, make_content
from apps.core.errors import Problem
from apps.events.tests.factories import make_event
from apps.moderation.models import Case, Decision, Report, SecondLook, Statement
from apps.moderation.services import appeals, cases, decisions, quality
from apps.moderation.services.decisions import Verdict
from apps.moderation.tests.factories import make_case, make_decision, make_user, report

pytestmark = pytest.mark.django_db
REMOVE = Verdict("remove", "hate")


def state_of(content_id: str = "v1") -> tuple[Any, ...]:
    content = Content.objects.select_related("creator").get(content_id=content_id)
    flags = content.is_age_restricted, content.is_reach_limited, content.creator.is_suspended
    return content.status, *flags


def undo(decision: Decision, user: Any, *, after_ms: int = 1000, is_senior: bool = False) -> None:
    decisions.undo(decision.pk, user=user, is_senior=is_senior, now_ms=NOW_MS + after_ms)


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("none", ("active", False, False, False)),
        ("age_restrict", ("active", True, False, False)),
        ("limit", ("active", False, True, False)),
        ("remove", ("removed", False, False, False)),
        ("warn", ("active", False, False, False)),
        ("suspend", ("active", False, False, True)),
    ],
)
class TestEachAction:
    def test_does_what_it_says_and_states_its_reasons(
        self, action: str, state: tuple[Any, ...]
    ) -> None:
        make_decision(action)

        assert state_of() == state
        assert Statement.objects.count() == (action != "none")

    def test_undone_leaves_the_content_as_it_was(self, action: str, state: tuple[Any, ...]) -> None:
        make_content("v1")
        set_status(["v1"], Content.Status.HIDDEN, now_ms=NOW_MS)
        mo = make_user()
        decision = make_decision(action, case=make_case(), user=mo)

        undo(decision, mo)

        assert state_of() == ("hidden", False, False, False)
        assert Case.objects.get().state == "open"
        assert Report.objects.get().outcome == ""


class TestDecide:
    def test_without_a_claim_is_409(self) -> None:
        with pytest.raises(Problem, match="claim it first") as refused:
            decisions.decide(make_case().pk, REMOVE, user=make_user(), now_ms=NOW_MS)

        assert refused.value.status == 409
        assert state_of()[0] == "active"

    def test_after_the_claim_ended_is_409(self) -> None:
        case, mo = make_case(), make_user()
        cases.claim(case.pk, user=mo, now_ms=NOW_MS)

        with pytest.raises(Problem, match="claim it first"):
            decisions.decide(case.pk, REMOVE, user=mo, now_ms=NOW_MS + 600_001)

    def test_twice_is_409(self) -> None:
        mo = make_user()
        decision = make_decision(user=mo)

        with pytest.raises(Problem, match="claim it first"):
            decisions.decide(decision.case_id, REMOVE, user=mo, now_ms=NOW_MS)

    @pytest.mark.parametrize("verdict", [Verdict("remove"), Verdict("explode", "hate")])
    def test_needs_a_known_action_and_a_reason(self, verdict: Verdict) -> None:
        case, mo = make_case(), make_user()
        cases.claim(case.pk, user=mo, now_ms=NOW_MS)

        with pytest.raises(Problem, match="Expected one of") as refused:
            decisions.decide(case.pk, verdict, user=mo, now_ms=NOW_MS)

        assert refused.value.status == 422


class TestUndo:
    def test_after_ten_seconds_it_takes_another_senior_moderator(self) -> None:
        mo, boss = make_user("mo"), make_user("boss", "senior moderator")
        decision = make_decision(user=mo)
        with pytest.raises(Problem, match="senior"):
            undo(decision, mo, after_ms=10_001, is_senior=True)
        with pytest.raises(Problem, match="senior"):
            undo(decision, boss, after_ms=10_001)

        undo(decision, boss, after_ms=10_001, is_senior=True)

        assert state_of()[0] == "active"

    def test_twice_is_409(self) -> None:
        mo = make_user()
        decision = make_decision(user=mo)
        undo(decision, mo)
        Case.objects.update(state="decided")

        with pytest.raises(Problem, match="undone before"):
            undo(decision, mo)

    def test_other_decisions_of_the_content_stand(self) -> None:
        mo = make_user()
        make_decision("limit", case=make_case(), user=mo)
        report(make_event("report", user_id="zoe"))
        second = make_decision("age_restrict", case=Case.objects.get(state="open"), user=mo)
        assert state_of() == ("active", True, True, False)

        undo(second, mo)

        assert state_of() == ("active", False, True, False)


class TestAlike:
    def make(self, n: int = 3) -> list[Case]:
        return [make_case(f"v{i}", description="BUY f o l l o w e r s") for i in range(n)]

    def test_cases_of_one_text_are_decided_together(self) -> None:
        made, mo = self.make(), make_user()
        cases.claim(made[0].pk, user=mo, now_ms=NOW_MS)
        assert {c.pk for c in decisions.alike(made[0])} == {c.pk for c in made}

        pks = [case.pk for case in made]
        decisions.decide_alike(pks, REMOVE, user=mo, now_ms=NOW_MS)

        assert Content.objects.filter(status="removed").count() == 3
        assert Decision.objects.count() == 3

    def test_another_text_or_a_taken_case_stops_all(self) -> None:
        made, mo = self.make(), make_user()
        cases.claim(made[0].pk, user=mo, now_ms=NOW_MS)
        other = make_case("other", description="hello")
        pks = [case.pk for case in made]
        with pytest.raises(Problem, match="same text"):
            decisions.decide_alike([*pks, other.pk], REMOVE, user=mo, now_ms=NOW_MS)
        cases.claim(made[1].pk, user=make_user("max"), now_ms=NOW_MS)
        with pytest.raises(Problem, match="taken or decided"):
            decisions.decide_alike(pks, REMOVE, user=mo, now_ms=NOW_MS)

        assert not Decision.objects.exists()
        assert Case.objects.filter(state="decided").count() == 0


class TestAppeals:
    def test_overturned_by_another_moderator_the_content_is_back(self) -> None:
        mo, boss = make_user("mo"), make_user("boss", "senior moderator")
        make_decision(user=mo)
        made = appeals.appeal(Statement.objects.get(), text="It was a joke", now_ms=NOW_MS)
        with pytest.raises(Problem, match="Another moderator"):
            appeals.answer(made.pk, overturn=True, text="ok", user=mo, now_ms=NOW_MS)

        done = appeals.answer(made.pk, overturn=True, text="Sorry", user=boss, now_ms=NOW_MS)

        assert (done.state, state_of()[0]) == ("overturned", "active")
        with pytest.raises(Problem, match="decided before"):
            appeals.answer(made.pk, overturn=False, text="no", user=boss, now_ms=NOW_MS)

    def test_second_and_late_appeals_are_refused(self) -> None:
        make_decision()
        statement = Statement.objects.get()
        with pytest.raises(Problem, match="time for an appeal"):
            appeals.appeal(statement, text="late", now_ms=statement.appeal_until_ms + 1)
        appeals.appeal(statement, text="first", now_ms=NOW_MS)

        with pytest.raises(Problem, match="There is an appeal"):
            appeals.appeal(statement, text="second", now_ms=NOW_MS)


def test_second_look_is_by_another_moderator_and_only_once() -> None:
    mo, max_ = make_user("mo"), make_user("max")
    decision = make_decision(user=mo)
    look, _ = SecondLook.objects.get_or_create(decision=decision)
    judged = {"action": "none", "reason": "", "now_ms": NOW_MS}
    with pytest.raises(Problem, match="your own"):
        quality.look(look.pk, user=mo, **judged)

    assert quality.look(look.pk, user=max_, **judged).action == "none"

    assert state_of()[0] == "removed"
    with pytest.raises(Problem, match="judged already"):
        quality.look(look.pk, user=max_, **judged)


def test_about_one_in_twenty_decisions_gets_a_second_look() -> None:
    case = make_case()
    given = {"case": case, "content_id": case.content_id, "action": "warn", "reason": "hate"}
    made = Decision.objects.bulk_create(
        Decision(**given, status_before="active", decided_ms=NOW_MS) for _ in range(2000)
    )
    for decision in made:
        quality.sample(decision)

    # Binomial(2000, .05): 100 ± 4 · 9.7
    assert 61 <= SecondLook.objects.count() <= 139
