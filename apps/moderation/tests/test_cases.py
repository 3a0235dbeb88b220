"""Cases: opened once, claimed by one, ordered by urgency."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.content import selectors as contents
from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_content, make_contents
from apps.core.errors import Problem
from apps.events import selectors as events
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.moderation import selectors
from apps.moderation.algorithms.priority import aged
from apps.moderation.conf import CLAIM_MS
from apps.moderation.models import Case, Report
from apps.moderation.services import cases, reports
from apps.moderation.tests.factories import empty_audit, make_case, make_decision, make_user, report

pytestmark = pytest.mark.django_db
HOUR = 3_600_000


class TestReports:
    def test_reports_of_one_content_make_one_case(self) -> None:
        make_content("v1")
        report(*(make_event("report", user_id=f"u{i}", reason="spam") for i in range(3)))

        case = Case.objects.get()
        assert (case.n_reports, case.clause, case.state) == (3, "spam", "open")

    def test_viewer_is_heard_once_a_case(self) -> None:
        make_case()
        report(make_event("report", at_ms=NOW_MS + 1))

        assert Report.objects.count() == 1

    def test_worse_reason_makes_the_case_more_severe(self) -> None:
        make_case(reason="spam")
        report(make_event("report", user_id="zoe", reason="minors"))

        case = Case.objects.get()
        assert (case.clause, case.severity) == ("minors", 1.0)
        assert case.due_ms == NOW_MS + 2 * HOUR

    def test_who_was_wrong_before_weighs_less(self) -> None:
        make_decision("none", case=make_case("v1"))
        make_case("v2")

        first, second = Report.objects.order_by("pk")
        assert first.outcome == "rejected"
        assert second.weight < first.weight

    def test_other_events_make_no_case(self) -> None:
        make_content("v1")
        report(make_event("view"), make_event("hide"))

        assert not Case.objects.exists()

    def test_filing_needs_no_more_queries_for_more_reporters(self) -> None:
        make_contents(2)

        few, many = n_queries("v0", reporters=2), n_queries("v1", reporters=200)

        assert many <= few  # the very first case also makes the lock of the audit log
        assert Report.objects.count() == 202


def n_queries(content_id: str, *, reporters: int) -> int:
    said = [make_event("report", user_id=f"u{i}", content_id=content_id) for i in range(reporters)]
    before = Event.objects.count()
    send(*said)
    log = events.log(contents.current_catalog()).take(slice(before, None))
    with CaptureQueriesContext(connection) as queries:
        reports.take_reports(log)
    return len(queries)


@pytest.mark.django_db(transaction=True)
def test_log_is_followed_and_each_report_taken_once() -> None:
    make_content("v1")
    send(make_event("report"), make_event("view"))

    assert (reports.keep_up(), reports.keep_up()) == (2, 0)

    assert Report.objects.count() == 1
    empty_audit()


class TestClaim:
    def test_second_moderator_is_refused_until_the_claim_ends(self) -> None:
        case, mo, max_ = make_case(), make_user("mo"), make_user("max")
        cases.claim(case.pk, user=mo, now_ms=NOW_MS)

        with pytest.raises(Problem, match="holds this case") as refused:
            cases.claim(case.pk, user=max_, now_ms=NOW_MS + CLAIM_MS)
        cases.claim(case.pk, user=max_, now_ms=NOW_MS + CLAIM_MS + 1)

        assert refused.value.status == 409
        assert Case.objects.get().holder == max_

    def test_claiming_again_extends_the_claim(self) -> None:
        case, mo = make_case(), make_user()
        cases.claim(case.pk, user=mo, now_ms=NOW_MS)
        cases.claim(case.pk, user=mo, now_ms=NOW_MS + 1000)

        assert Case.objects.get().claimed_until_ms == NOW_MS + 1000 + CLAIM_MS

    def test_released_case_is_free(self) -> None:
        case, mo = make_case(), make_user("mo")
        cases.claim(case.pk, user=mo, now_ms=NOW_MS)
        cases.release(case.pk, user=mo)

        cases.claim(case.pk, user=make_user("max"), now_ms=NOW_MS)

    def test_escalating_needs_the_claim_and_moves_the_case(self) -> None:
        case, mo = make_case(), make_user()
        with pytest.raises(Problem, match="claim it first"):
            cases.escalate(case.pk, user=mo, note="", now_ms=NOW_MS)
        cases.claim(case.pk, user=mo, now_ms=NOW_MS)

        cases.escalate(case.pk, user=mo, note="hard", now_ms=NOW_MS)

        with pytest.raises(Problem, match="waits for a senior"):
            cases.claim(case.pk, user=mo, now_ms=NOW_MS)
        boss = make_user("boss", "senior moderator")
        cases.claim(case.pk, user=boss, now_ms=NOW_MS, is_senior=True)
        view = {"user": boss, "is_senior": True, "now_ms": NOW_MS}
        assert not selectors.queue("open", **view)
        assert [c.pk for c in selectors.queue("escalated", **view)] == [case.pk]
        assert not selectors.queue("escalated", user=mo, is_senior=False, now_ms=NOW_MS)

    def test_unknown_case_is_404(self) -> None:
        with pytest.raises(Problem, match="no such case"):
            cases.claim(7, user=make_user(), now_ms=NOW_MS)


def test_queue_has_the_order_of_the_aged_priority() -> None:
    make_contents(4)
    later = NOW_MS + 60 * HOUR
    given = [(1.0, NOW_MS), (3.0, NOW_MS + 50 * HOUR), (0.4, NOW_MS), (2.0, later)]
    for content, (base, opened_ms) in zip(Content.objects.order_by("pk"), given, strict=True):
        case = cases.open_case(content, source="report", clause="", now_ms=opened_ms)
        Case.objects.filter(pk=case.pk).update(priority=base)

    found = selectors.queue("open", user=make_user(), is_senior=False, now_ms=later)

    expected = sorted((aged(base, later - opened_ms) for base, opened_ms in given), reverse=True)
    assert [case.urgency for case in found] == pytest.approx(expected)


def test_context_takes_the_same_queries_for_any_number_of_reports(
    django_assert_num_queries: object,
) -> None:
    make_content("v1")
    report(*(make_event("report", user_id=f"u{i}") for i in range(30)))

    case = Case.objects.get()
    with django_assert_num_queries(8):  # type: ignore[operator]
        context = selectors.context_of(case.pk, now_ms=NOW_MS)

    assert context is not None
    assert len(context.reports) == 30
