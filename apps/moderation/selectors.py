"""Read the queue, one case with its whole context, and statistics."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import Any, NamedTuple

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, ExpressionWrapper, F, FloatField, Q, QuerySet, Value

from apps.core.clock import DAY_MS
from apps.moderation.algorithms.agreement import cohens_kappa
from apps.moderation.algorithms.priority import AGE_MS
from apps.moderation.conf import REPEAT_DAYS, REPEAT_REMOVALS
from apps.moderation.models import (
    Action,
    Appeal,
    Case,
    Decision,
    FlaggedComment,
    Report,
    ScreeningVerdict,
    SecondLook,
)

PAGE = 100  # cases of a view that are shown


def queue(view: str, *, user: AbstractBaseUser, is_senior: bool, now_ms: int) -> QuerySet[Case]:
    """Return the cases of a view (open, mine, escalated), most urgent first, at most 100.

    The order is that of `priority.aged`. Escalated ones are for senior moderators.
    """
    cases = Case.objects.exclude(state=Case.State.DECIDED)
    if view == "mine":
        cases = cases.filter(holder=user.pk, claimed_until_ms__gte=now_ms)
    elif view == "escalated":
        cases = cases.filter(is_escalated=True) if is_senior else cases.none()
    else:
        free = Q(holder=None) | Q(holder=user.pk) | Q(claimed_until_ms__lt=now_ms)
        cases = cases.filter(free, is_escalated=False)
    age = ExpressionWrapper(
        F("priority") * (1.0 + (Value(now_ms) - F("opened_ms")) / Value(AGE_MS)),
        output_field=FloatField(),
    )
    ordered = cases.annotate(urgency=age).order_by("-urgency", "pk")
    return ordered.select_related("content__creator", "holder")[:PAGE]


def counts(*, user: AbstractBaseUser, now_ms: int) -> dict[str, int]:
    """Return how much waits in each view."""
    found = backlog(now_ms=now_ms)
    found["mine"] = Case.objects.filter(
        state=Case.State.CLAIMED, holder=user.pk, claimed_until_ms__gte=now_ms
    ).count()
    appeals = Appeal.objects.filter(state=Appeal.State.OPEN).count()
    looks = SecondLook.objects.filter(action="").exclude(decision__decided_by=user.pk).count()
    return {**found, "appeals": appeals, "quality": looks}


def backlog(*, now_ms: int) -> dict[str, int]:
    """Return how many cases are open, escalated, and past their time; one query."""
    undecided = Case.objects.exclude(state=Case.State.DECIDED)
    return undecided.aggregate(
        open=Count("pk", filter=Q(is_escalated=False)),
        escalated=Count("pk", filter=Q(is_escalated=True)),
        overdue=Count("pk", filter=Q(due_ms__lt=now_ms)),
    )


class Misuse(NamedTuple):
    """How often a creator's contents were removed lately (DSA art. 23)."""

    removals: int  # of the last `REPEAT_DAYS` days, that stand
    warnings: int
    proposed: str  # warn, suspend, or nothing


def misuse_of(creator_pk: int, *, now_ms: int) -> Misuse:
    """Return what the latest decisions about a creator propose; people decide. One query."""
    latest = Decision.objects.filter(
        content__creator=creator_pk, undone_ms=None, decided_ms__gte=now_ms - REPEAT_DAYS * DAY_MS
    )
    found = latest.aggregate(
        removals=Count("pk", filter=Q(action=Action.REMOVE)),
        warnings=Count("pk", filter=Q(action=Action.WARN)),
    )
    is_repeated = found["removals"] >= REPEAT_REMOVALS
    after = Action.SUSPEND if found["warnings"] else Action.WARN
    return Misuse(**found, proposed=after.value if is_repeated else "")


class Context(NamedTuple):
    """All that a moderator needs to see of a case."""

    case: Case
    verdicts: list[ScreeningVerdict]
    reports: list[Report]
    history: list[Decision]  # of this content
    creator_history: list[Decision]  # of the creator's other contents, the latest ten
    creator_counts: dict[str, int]  # contents, removed
    misuse: Misuse
    n_flagged_comments: int  # under the content, whatever became of them


def context_of(case_pk: int, *, now_ms: int) -> Context | None:
    """Return a case with what belongs to it, in eight queries, None if there is none."""
    found = Case.objects.select_related(
        "content__creator", "content__sound", "content__mediaanalysis", "holder"
    )
    case = found.filter(pk=case_pk).first()
    if case is None:
        return None
    content = case.content
    decided = Decision.objects.select_related("decided_by", "content")
    of_creator = decided.filter(content__creator=content.creator_id).exclude(content=content)
    reports = Report.objects.filter(content=content).select_related("viewer")
    creator = content.creator
    return Context(
        case=case,
        verdicts=list(ScreeningVerdict.objects.filter(content=content).order_by("-score", "pk")),
        reports=list(reports.order_by("-weight", "pk")[:50]),
        history=list(decided.filter(content=content).order_by("-pk")),
        creator_history=list(of_creator.exclude(action="none").order_by("-pk")[:10]),
        creator_counts=creator.content_set.aggregate(
            contents=Count("pk"), removed=Count("pk", filter=Q(status="removed"))
        ),
        misuse=misuse_of(content.creator_id, now_ms=now_ms),
        n_flagged_comments=FlaggedComment.objects.filter(content=content).count(),
    )


def statistics_of(*, now_ms: int, days: int = 30) -> dict[str, Any]:
    """Return what was decided in the last days: how fast, by machine or not, how often undone."""
    since = now_ms - days * DAY_MS
    rows = Decision.objects.filter(decided_ms__gte=since).select_related("case")
    found = list(rows.order_by("pk"))
    waits = [(d.decided_ms - d.case.opened_ms) / 3_600_000 for d in found if not d.is_automated]
    in_time = [d.decided_ms <= d.case.due_ms for d in found if not d.is_automated]
    automated = [d for d in found if d.is_automated]
    return {
        "days": days,
        "decided": len(found),
        "automated": len(automated),
        "automated_undone": sum(d.undone_ms is not None for d in automated),
        "undone": sum(d.undone_ms is not None for d in found),
        "median_hours": statistics.median(waits) if waits else None,
        "in_time": sum(in_time) / len(in_time) if in_time else None,
        "actions": dict(_counted(d.get_action_display() for d in found)),
        "agreement": agreement(),
    }


def by_moderator(*, now_ms: int, days: int = 30) -> list[dict[str, Any]]:
    """Return what each moderator decided in the last days: for admins only."""
    rows = Decision.objects.filter(decided_ms__gte=now_ms - days * DAY_MS, is_automated=False)
    grouped = rows.values("decided_by__username").annotate(
        decided=Count("pk"), undone=Count("pk", filter=Q(undone_ms__isnull=False))
    )
    return [dict(row) for row in grouped.order_by("-decided", "decided_by__username")]


def agreement() -> list[tuple[str, int, float | None]]:
    """Return (what, how many, Cohen's κ) of second looks: of actions, and by reason of the first.

    For one reason κ compares "this reason" with "another" in the two judgments.
    """
    looks = SecondLook.objects.exclude(action="").select_related("decision")
    pairs = [(s.decision.action, s.action, s.decision.reason, s.reason) for s in looks]
    kappa = cohens_kappa([p[0] for p in pairs], [p[1] for p in pairs])
    found: list[tuple[str, int, float | None]] = [("all actions", len(pairs), kappa)]
    for reason in sorted({p[2] for p in pairs} | {p[3] for p in pairs}):
        first = ["yes" if p[2] == reason else "no" for p in pairs]
        second = ["yes" if p[3] == reason else "no" for p in pairs]
        found.append((reason, first.count("yes"), cohens_kappa(first, second)))
    return found


def _counted(labels: Any) -> dict[str, int]:
    totals: dict[str, int] = defaultdict(int)
    for label in labels:
        totals[str(label)] += 1
    return dict(sorted(totals.items(), key=lambda pair: -pair[1]))
