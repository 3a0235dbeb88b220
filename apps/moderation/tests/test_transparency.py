"""The transparency report, counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.tests.factories import NOW_MS, make_content
from apps.core.clock import DAY_MS, HOUR_MS, to_datetime
from apps.moderation.models import Case, Decision, Report
from apps.moderation.services import appeals, reports
from apps.moderation.tests.factories import make_case, make_decision, make_user
from apps.moderation.transparency import Line, as_csv, transparency

pytestmark = pytest.mark.django_db

PERIOD = {"since_ms": NOW_MS - DAY_MS, "until_ms": NOW_MS + DAY_MS}
OWN = "Own initiative, reports of viewers among it"


@pytest.fixture
def _month() -> None:
    """A notice that was upheld, three reports, three decisions of which a machine made one."""
    mo, senior = make_user(), make_user("sam", "senior moderator")
    for content_id in ("v1", "v2", "v3", "v4"):
        make_content(content_id)
    reports.give_notice(reports.NoticeGiven("v1", "rights", "it is mine"), now_ms=NOW_MS)
    make_decision(
        "remove", case=Case.objects.get(), user=mo, reason="rights", at_ms=NOW_MS + HOUR_MS
    )
    make_decision("none", case=make_case("v2"), user=mo, reason="no-violation", at_ms=NOW_MS)
    removed = make_decision("remove", case=make_case("v3"), user=mo, reason="hate", at_ms=NOW_MS)
    make_decision("limit", case=make_case("v4"), user=mo, reason="spam", at_ms=NOW_MS)
    Decision.objects.filter(action="limit").update(is_automated=True, undone_ms=NOW_MS)
    made = appeals.appeal(removed.statement, text="no", now_ms=NOW_MS)
    appeals.answer(made.pk, overturn=True, text="right", user=senior, now_ms=NOW_MS + 2 * HOUR_MS)
    # Of another month, in no figure.
    Report.objects.create(content=removed.content, weight=1, reported_ms=NOW_MS - 9 * DAY_MS)


@pytest.mark.usefixtures("_month")
def test_figures_are_those_counted_by_hand() -> None:
    assert Report.objects.count() == 5

    assert transparency(**PERIOD) == [
        Line("Notices (art. 16)", "received", "", 1),
        Line("Notices (art. 16)", "received", "rights", 1),
        Line("Notices (art. 16)", "followed by a restriction", "", 1),
        Line("Notices (art. 16)", "decided without a restriction", "", 0),
        Line("Notices (art. 16)", "decided by automated means", "", 0),
        Line("Notices (art. 16)", "median hours to the decision", "", 1.0),
        Line("Reports of viewers", "received", "", 3),
        Line("Reports of viewers", "received", "hate", 3),
        Line(OWN, "decided", "", 3),
        Line(OWN, "decided without a restriction", "", 1),
        Line(OWN, "median hours to the decision by people", "", 0.0),
        Line("Restrictions", "Only for adults", "", 0),
        Line("Restrictions", "Limit reach", "", 1),
        Line("Restrictions", "Limit reach", "spam", 1),
        Line("Restrictions", "Remove", "", 2),
        Line("Restrictions", "Remove", "hate", 1),
        Line("Restrictions", "Remove", "rights", 1),
        Line("Restrictions", "Warn the creator", "", 0),
        Line("Restrictions", "Suspend the creator", "", 0),
        Line("Automated means", "decided", "", 1),
        Line("Automated means", "undone since", "", 1),
        Line("Automated means", "share undone since", "", 1.0),
        Line("Complaints (art. 20)", "received", "", 1),
        Line("Complaints (art. 20)", "the decision stands", "", 0),
        Line("Complaints (art. 20)", "the decision was undone", "", 1),
        Line("Complaints (art. 20)", "median hours to the decision", "", 2.0),
    ]


def test_nothing_happened_is_no_division_by_zero() -> None:
    lines = transparency(**PERIOD)

    assert {line.value for line in lines} == {0, None}


def test_csv_has_a_heading_and_a_row_a_line() -> None:
    text = as_csv([Line("Notices (art. 16)", "received", "", 3), Line("A", "b", "", None)])

    assert text == "section,what,clause,value\nNotices (art. 16),received,,3\nA,b,,\n"


@pytest.mark.usefixtures("_month")
class TestPage:
    def test_shows_the_period_and_gives_it_as_csv(self, client: Any) -> None:
        client.force_login(make_user("ana", "analyst"))
        day = f"{to_datetime(NOW_MS).date()}"

        page = client.get("/moderation/transparency/", {"since": day, "until": day})
        told = client.get(
            "/moderation/transparency/", {"since": day, "until": day, "format": "csv"}
        )

        assert "Notices (art. 16)" in page.content.decode()
        assert told["Content-Type"].startswith("text/csv")
        assert told.content.decode().startswith("section,what,clause,value\nNotices")
        assert f"{day}-{day}" in told["Content-Disposition"]

    @pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "yesterday", "2026-02-30"])
    def test_any_text_for_a_day_is_survived(self, client: Any, day: str) -> None:
        client.force_login(make_user("ana", "analyst"))

        answer = client.get("/moderation/transparency/", {"since": day, "until": day})

        assert answer.status_code == 200
