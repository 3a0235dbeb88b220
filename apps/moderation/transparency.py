"""The transparency report (DSA art. 15 and 24): what was notified, decided and appealed against."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Count, F, QuerySet

from apps.core.clock import HOUR_MS
from apps.moderation.models import Action, Appeal, Case, Decision, Report

UPHELD, OVERTURNED = Appeal.State.UPHELD, Appeal.State.OVERTURNED


class Line(NamedTuple):
    """One figure of the report."""

    section: str
    what: str
    clause: str  # the ground that it is broken down by; empty for a total
    value: float | None  # None where nothing can be said


def transparency(*, since_ms: int, until_ms: int) -> list[Line]:
    """Return the figures of what happened from `since_ms` to before `until_ms`, in ms since 1970.

    Decisions count in the period in which they were made, whether or not they were undone later.
    """
    received = {"reported_ms__gte": since_ms, "reported_ms__lt": until_ms}
    decided = {"decided_ms__gte": since_ms, "decided_ms__lt": until_ms}
    decisions = Decision.objects.filter(**decided)
    appeals = Appeal.objects.filter(received_ms__gte=since_ms, received_ms__lt=until_ms)
    return [
        *_notices(Report.objects.filter(is_notice=True, **received), decisions),
        *_reports(Report.objects.filter(is_notice=False, **received)),
        *_own_initiative(decisions.exclude(case__source=Case.Source.NOTICE)),
        *_restrictions(decisions.exclude(action=Action.NONE)),
        *_automated(decisions.filter(is_automated=True)),
        *_complaints(appeals, Appeal.objects.filter(**decided)),
    ]


def as_csv(lines: Iterable[Line]) -> str:
    """Return the report as CSV with a heading; a figure that is not known is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Line._fields)
    writer.writerows(lines)
    return out.getvalue()


def _notices(notices: QuerySet[Report], decisions: QuerySet[Decision]) -> list[Line]:
    section = "Notices (art. 16)"
    on_notice = decisions.filter(case__source=Case.Source.NOTICE)
    acted = on_notice.exclude(action=Action.NONE)
    by_machine = on_notice.filter(is_automated=True)
    return [
        *_broken_down(section, "received", notices, "clause"),
        Line(section, "followed by a restriction", "", acted.count()),
        Line(section, "decided without a restriction", "", _none(on_notice)),
        Line(section, "decided by automated means", "", by_machine.count()),
        Line(section, "median hours to the decision", "", _median_hours(on_notice)),
    ]


def _reports(reports: QuerySet[Report]) -> list[Line]:
    return _broken_down("Reports of viewers", "received", reports, "clause")


def _own_initiative(decisions: QuerySet[Decision]) -> list[Line]:
    section = "Own initiative, reports of viewers among it"
    by_people = decisions.filter(is_automated=False)
    return [
        Line(section, "decided", "", decisions.count()),
        Line(section, "decided without a restriction", "", _none(decisions)),
        Line(section, "median hours to the decision by people", "", _median_hours(by_people)),
    ]


def _restrictions(decisions: QuerySet[Decision]) -> list[Line]:
    """Return each restriction by its ground, those against creators among them (art. 23)."""
    return [
        line
        for action in Action
        if action != Action.NONE
        for line in _broken_down(
            "Restrictions", action.label, decisions.filter(action=action), "reason"
        )
    ]


def _automated(decisions: QuerySet[Decision]) -> list[Line]:
    section = "Automated means"
    n_decided = decisions.count()
    n_undone = decisions.filter(undone_ms__isnull=False).count()
    return [
        Line(section, "decided", "", n_decided),
        Line(section, "undone since", "", n_undone),
        Line(section, "share undone since", "", n_undone / n_decided if n_decided else None),
    ]


def _complaints(received: QuerySet[Appeal], decided: QuerySet[Appeal]) -> list[Line]:
    section = "Complaints (art. 20)"
    waits = decided.values_list(F("decided_ms") - F("received_ms"), flat=True)
    return [
        Line(section, "received", "", received.count()),
        Line(section, "the decision stands", "", decided.filter(state=UPHELD).count()),
        Line(section, "the decision was undone", "", decided.filter(state=OVERTURNED).count()),
        Line(section, "median hours to the decision", "", _median(waits)),
    ]


def _broken_down(section: str, what: str, rows: QuerySet[Report | Decision], by: str) -> list[Line]:
    """Return the total, and how much of it has each ground."""
    counted = dict(rows.order_by().values_list(by).annotate(Count("pk")))
    lines = [Line(section, what, clause or "other", counted[clause]) for clause in sorted(counted)]
    return [Line(section, what, "", sum(counted.values())), *lines]


def _none(decisions: QuerySet[Decision]) -> int:
    return decisions.filter(action=Action.NONE).count()


def _median_hours(decisions: QuerySet[Decision]) -> float | None:
    return _median(decisions.values_list(F("decided_ms") - F("case__opened_ms"), flat=True))


def _median(waits_ms: Iterable[int]) -> float | None:
    found = list(waits_ms)
    return round(statistics.median(found) / HOUR_MS, 2) if found else None
