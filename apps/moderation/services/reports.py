"""Reports of viewers and notices: each opens the case of its content, or makes it more urgent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Min, Q

from apps.content import selectors as contents
from apps.content.models import Content
from apps.core.clock import DAY_MS, from_datetime
from apps.core.errors import Problem
from apps.events.models import Event
from apps.events.types import EventLog, EventType
from apps.features.consumers import drain
from apps.moderation.algorithms.priority import reporter_weight
from apps.moderation.conf import (
    CLAUSE,
    REPEAT_DAYS,
    REPORT_REASONS,
    UNFOUNDED_REPORTS,
    UNFOUNDED_SHARE,
)
from apps.moderation.models import Case, Report
from apps.moderation.services.audit import record
from apps.moderation.services.cases import open_case, prioritize
from apps.profiles.models import Viewer

CONSUMER = "moderation"
_NOTICE_WEIGHT = 1.0  # it is signed and reasoned


class NoticeGiven(NamedTuple):
    """What a notice says (DSA art. 16)."""

    content_id: str
    reason: str
    explanation: str
    name: str = ""
    email: str = ""


def keep_up(*, batches: int = 80) -> int:
    """Take the reports that the log has gained; return how many events were read."""
    return drain(CONSUMER, take_reports, batches=batches)


def take_reports(log: EventLog) -> None:
    """Store the reports among these events: one of each viewer and content, a case a content."""
    log = log.take((log.kind == EventType.REPORT) & (log.content >= 0) & (log.viewer >= 0))
    if not len(log):
        return
    pks = contents.catalog().content_pk[log.content]
    said = zip(log.viewer.tolist(), pks.tolist(), log.at_ms.tolist(), strict=True)
    pairs = {(viewer, content_pk): at_ms for viewer, content_pk, at_ms in said}
    for pair in _known(pairs):
        del pairs[pair]
    if not pairs:
        return
    at_ms = max(pairs.values())
    viewers = sorted({viewer for viewer, _ in pairs})
    weights = reporter_weights(viewers, now_ms=at_ms)
    unheard = unfounded_reporters(viewers, now_ms=at_ms)
    reasons = _reasons(pairs)
    reports = []
    for (viewer, content_pk), moment in pairs.items():
        reason = reasons.get((viewer, content_pk), "")
        reports.append(
            Report(
                content_id=content_pk,
                viewer_id=viewer,
                reason=reason,
                clause=REPORT_REASONS.get(reason.strip().lower(), ""),
                weight=0.0 if viewer in unheard else weights[viewer],
                reported_ms=moment,
            )
        )
    Report.objects.bulk_create(r for r in reports if r.viewer_id in unheard)
    heard = [r for r in reports if r.viewer_id not in unheard]
    _file(heard, source=Case.Source.REPORT, now_ms=at_ms)


def give_notice(given: NoticeGiven, *, now_ms: int) -> Report:
    """Store a notice and open the case of its content; 404 for a content that is not known."""
    content = Content.objects.filter(content_id=given.content_id).first()
    if content is None:
        raise Problem(404, "unknown-content", f"There is no content {given.content_id!r}.")
    if given.reason not in CLAUSE:
        raise Problem(422, "unknown-reason", f"Expected one of {', '.join(CLAUSE)}.")
    notice = Report(
        content=content,
        is_notice=True,
        reason=given.reason,
        clause=given.reason,
        explanation=given.explanation,
        name=given.name,
        email=given.email,
        weight=_NOTICE_WEIGHT,
        reported_ms=now_ms,
    )
    with transaction.atomic():
        _file([notice], source=Case.Source.NOTICE, now_ms=now_ms)
        record("noticed", f"notice:{notice.public_id}", actor="system", now_ms=now_ms)
    return notice


def reporter_weights(viewers: Sequence[int], *, now_ms: int) -> dict[int, float]:
    """Return what a report of each viewer weighs, 0–1, after what became of their earlier ones.

    An account is as old as the first event that was received of it. Three queries.
    """
    outcomes = Report.objects.filter(viewer_id__in=viewers).values("viewer_id")
    judged = {
        row["viewer_id"]: (row["upheld"], row["rejected"])
        for row in outcomes.annotate(
            upheld=Count("pk", filter=Q(outcome=Report.Outcome.UPHELD)),
            rejected=Count("pk", filter=Q(outcome=Report.Outcome.REJECTED)),
        )
    }
    events = Event.objects.filter(viewer_id__in=viewers).values_list("viewer_id")
    first = dict(events.annotate(Min("received_ms")))
    made = Viewer.objects.filter(pk__in=viewers).values_list("pk", "created_at")
    born = {pk: min(from_datetime(at), first.get(pk, now_ms)) for pk, at in made}
    weights = {}
    for viewer in viewers:
        upheld, rejected = judged.get(viewer, (0, 0))
        days = max(now_ms - born.get(viewer, now_ms), 0) / DAY_MS
        weights[viewer] = reporter_weight(upheld=upheld, rejected=rejected, account_days=days)
    return weights


def unfounded_reporters(viewers: Sequence[int], *, now_ms: int) -> set[int]:
    """Return whose reports open no case now: nearly all of their latest ones came to nothing.

    What they say is kept, and they are heard again as those grow old (DSA art. 23). One query.
    """
    latest = Report.objects.filter(
        viewer_id__in=viewers, reported_ms__gte=now_ms - REPEAT_DAYS * DAY_MS
    )
    judged = latest.exclude(outcome="").values("viewer_id")
    counted = judged.annotate(
        n=Count("pk"), rejected=Count("pk", filter=Q(outcome=Report.Outcome.REJECTED))
    )
    return {
        row["viewer_id"]
        for row in counted
        if row["rejected"] >= max(UNFOUNDED_REPORTS, UNFOUNDED_SHARE * row["n"])
    }


def _known(pairs: dict[tuple[int, int], int]) -> list[tuple[int, int]]:
    """Return the pairs that were reported before and wait: a viewer is heard once a case."""
    waiting = Report.objects.filter(
        viewer_id__in={v for v, _ in pairs}, content_id__in={c for _, c in pairs}, outcome=""
    )
    return [pair for pair in waiting.values_list("viewer_id", "content_id") if pair in pairs]


def _reasons(pairs: dict[tuple[int, int], int]) -> dict[tuple[int, int], str]:
    """Return what each viewer gave as the reason; the latest word counts."""
    said = Event.objects.filter(
        kind=EventType.REPORT,
        viewer_id__in={v for v, _ in pairs},
        content_id__in={c for _, c in pairs},
    ).order_by("pk")
    rows = said.values_list("viewer_id", "content_id", "info")
    return {(v, c): str((info or {}).get("reason") or "")[:200] for v, c, info in rows}


@transaction.atomic
def _file(reports: Sequence[Report], *, source: Case.Source, now_ms: int) -> None:
    """Open or find the case of each report, store the reports, and work out what is urgent."""
    wanted = {report.content_id for report in reports}
    cases = {
        content.pk: open_case(
            content, source=source, clause=_worst(reports, content.pk), now_ms=now_ms
        )
        # In one order, or two batches wait for each other's cases.
        for content in Content.objects.filter(pk__in=wanted).order_by("pk")
    }
    for report in reports:
        report.case = cases[report.content_id]
    Report.objects.bulk_create(reports)
    prioritize([case.pk for case in cases.values()], now_ms=now_ms)


def _worst(reports: Sequence[Report], content_pk: int) -> str:
    """Return the most severe clause that the reports of a content name."""
    named = {r.clause for r in reports if r.content_id == content_pk and r.clause in CLAUSE}
    return max(sorted(named), key=lambda code: CLAUSE[code].severity, default="")
