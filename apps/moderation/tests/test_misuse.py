"""Creators and reporters who misuse the service again and again (DSA art. 23)."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content.tests.factories import NOW_MS, make_content
from apps.core.clock import DAY_MS
from apps.events.tests.factories import make_event
from apps.moderation.conf import REPEAT_DAYS, UNFOUNDED_REPORTS
from apps.moderation.models import Case, Decision, Report
from apps.moderation.selectors import misuse_of
from apps.moderation.tests.factories import make_case, make_decision, make_user, report
from apps.profiles.models import Viewer

pytestmark = pytest.mark.django_db


def decided(*actions: str, at_ms: int = NOW_MS) -> Decision:
    """Return the last of some decisions about contents of one creator."""
    mo = make_user()
    for i, action in enumerate(actions):
        make_content(f"v{i}", creator_id="ann")
        made = make_decision(action, case=make_case(f"v{i}"), user=mo, at_ms=at_ms)
    return made


@pytest.mark.parametrize(
    ("actions", "proposed"),
    [
        (("remove", "remove"), ""),
        (("remove", "remove", "remove"), "warn"),
        (("remove", "warn", "remove"), ""),
        (("remove", "warn", "remove", "remove"), "suspend"),
        (("limit", "limit", "none", "none"), ""),
    ],
)
def test_removals_propose_a_warning_and_then_a_suspension(
    actions: tuple[str, ...], proposed: str
) -> None:
    creator = decided(*actions).content.creator_id

    assert misuse_of(creator, now_ms=NOW_MS).proposed == proposed


def test_removals_that_were_undone_or_are_old_do_not_count() -> None:
    made = decided("remove", "remove", "remove")
    creator = made.content.creator_id

    assert misuse_of(creator, now_ms=NOW_MS + REPEAT_DAYS * DAY_MS).proposed == "warn"
    assert misuse_of(creator, now_ms=NOW_MS + (REPEAT_DAYS + 1) * DAY_MS).proposed == ""
    Decision.objects.filter(pk=made.pk).update(undone_ms=NOW_MS)
    assert misuse_of(creator, now_ms=NOW_MS).removals == 2


def test_case_says_what_is_proposed(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    decided("remove", "remove", "remove")
    make_content("v9", creator_id="ann")
    case = make_case("v9")
    monkeypatch.setattr("apps.moderation.pages.now_ms", lambda: NOW_MS)
    client.force_login(make_user("kim"))

    page = client.get(f"/moderation/cases/{case.pk}/").content.decode()

    assert "3 removals in three months that stand" in page


class TestReporter:
    def judged(self, rejected: int, upheld: int = 0) -> None:
        """Let that many of bob's reports have come to nothing, and to something."""
        report(make_event("report", content_id=make_content("old").content_id, user_id="bob"))
        first = Report.objects.get()
        outcomes = ["rejected"] * rejected + ["upheld"] * upheld
        Report.objects.bulk_create(
            Report(
                content=first.content,
                viewer=first.viewer,
                weight=1,
                reported_ms=NOW_MS,
                outcome=outcome,
            )
            for outcome in outcomes
        )
        Case.objects.all().delete() if first.case is None else None

    def opens(self, now_ms: int = NOW_MS) -> bool:
        make_content("new")
        report(make_event("report", now_ms, content_id="new", user_id="bob"), now_ms=now_ms)
        assert Report.objects.filter(content__content_id="new").exists()  # it is kept all the same
        return Case.objects.filter(content__content_id="new").exists()

    @pytest.mark.parametrize(
        ("rejected", "upheld", "is_heard"),
        [
            (UNFOUNDED_REPORTS - 1, 0, True),
            (UNFOUNDED_REPORTS, 0, False),
            (UNFOUNDED_REPORTS, 1, False),
            (UNFOUNDED_REPORTS, 2, True),
        ],
    )
    def test_whose_reports_come_to_nothing_opens_no_case(
        self, rejected: int, upheld: int, is_heard: bool
    ) -> None:
        self.judged(rejected, upheld)

        assert self.opens() == is_heard

    def test_is_heard_again_when_those_are_old(self) -> None:
        self.judged(UNFOUNDED_REPORTS)

        assert self.opens(NOW_MS + (REPEAT_DAYS + 1) * DAY_MS)

    def test_does_not_silence_others(self) -> None:
        self.judged(UNFOUNDED_REPORTS)
        self.opens()

        report(make_event("report", content_id="new", user_id="ann"))

        assert Case.objects.get(content__content_id="new").n_reports == 1
        assert Viewer.objects.count() == 2
