"""Cases: opened by reports and screening, claimed by one moderator at a time."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q, QuerySet
from django.db.models.functions import Least

from apps.content.models import Content
from apps.content.services import set_restrictions
from apps.core.errors import Problem
from apps.features import selectors as features
from apps.features.stats import EVER, Counted
from apps.moderation.algorithms.normalize import text_digest
from apps.moderation.algorithms.priority import priority, reports_weight
from apps.moderation.conf import CLAIM_MS, CLAUSE, OTHER_SEVERITY, due_after_ms
from apps.moderation.models import Case, Report
from apps.moderation.services.audit import actor_of, record


def text_of(content: Content) -> str:
    """Return all words of a content that viewers read."""
    return "\n".join([content.description, *(f"#{tag}" for tag in content.tags)])


def open_case(content: Content, *, source: str, clause: str, now_ms: int) -> Case:
    """Return the open case of a content, made if there is none; call within a transaction."""
    severity = CLAUSE[clause].severity if clause in CLAUSE else OTHER_SEVERITY
    # Of two at once the partial unique constraint lets one in; the other gets its row.
    case, is_new = Case.objects.exclude(state=Case.State.DECIDED).get_or_create(
        content=content,
        defaults={
            "source": source,
            "clause": clause,
            "severity": severity,
            "priority": severity,
            "text_digest": text_digest(text_of(content)),
            "opened_ms": now_ms,
            "due_ms": now_ms + due_after_ms(severity),
        },
    )
    if is_new:
        record("opened", f"case:{case.pk}", actor="system", now_ms=now_ms, source=source)
    else:  # a conditional UPDATE: what is worse stands, whoever comes first
        Case.objects.filter(pk=case.pk, severity__lt=severity).update(
            severity=severity,
            clause=clause,
            due_ms=Least("due_ms", now_ms + due_after_ms(severity)),
        )
    return case


def hold(case: Case, *, now_ms: int) -> None:
    """Limit the reach of a content until its case is decided."""
    Case.objects.filter(pk=case.pk, held_ms=None).update(held_ms=now_ms)
    content = Content.objects.get(pk=case.content_id)
    set_restrictions(
        content.pk,
        is_age_restricted=content.is_age_restricted,
        is_reach_limited=True,
        now_ms=now_ms,
    )


def prioritize(case_pks: Collection[int], *, now_ms: int) -> None:
    """Work out the priority of cases anew: four statements, whatever their number.

    Call it in the transaction that stored their reports. The cases are locked first: of two
    transactions the later one counts the reports of both.
    """
    locked = Case.objects.select_for_update().filter(pk__in=case_pks).order_by("pk")
    cases = list(locked)
    if not cases:
        return
    reports: dict[int, list[tuple[int, float]]] = {case.pk: [] for case in cases}
    found = Report.objects.filter(case_id__in=reports)
    for case_pk, at_ms, weight in found.values_list("case_id", "reported_ms", "weight"):
        reports[case_pk].append((at_ms, weight))
    reach = _views([case.content_id for case in cases], now_ms)
    for case, n_views in zip(cases, reach, strict=True):
        mine = reports[case.pk]
        weight = reports_weight([at for at, _ in mine], [weight for _, weight in mine])
        case.n_reports = len(mine)
        case.priority = priority(severity=case.severity, reach=n_views, weight=weight)
    Case.objects.bulk_update(cases, ["n_reports", "priority"])


def _views(content_pks: list[int], now_ms: int) -> list[int]:
    stats = features.stats()
    views = stats.by["content"].all_at(Counted.VIEW, EVER, now_ms)
    rows = stats.catalog.rows_of(np.array(content_pks, np.int64))
    return [int(views[row]) if 0 <= row < len(views) else 0 for row in rows.tolist()]


def claim(case_pk: int, *, user: AbstractBaseUser, now_ms: int, is_senior: bool = False) -> None:
    """Take a case for ten minutes, or extend one's claim; 409 when another holds it.

    An escalated one is for senior moderators: 403 for others.
    """
    free = Q(holder=None) | Q(holder=user.pk) | Q(claimed_until_ms__lt=now_ms)
    # One conditional UPDATE decides the race: only one holder's row count is 1.
    undecided = Case.objects.filter(pk=case_pk).exclude(state=Case.State.DECIDED)
    within_reach = undecided if is_senior else undecided.filter(is_escalated=False)
    taken = within_reach.filter(free).update(
        state=Case.State.CLAIMED, holder=user.pk, claimed_until_ms=now_ms + CLAIM_MS
    )
    if taken:
        return
    case = Case.objects.filter(pk=case_pk).first()
    if case is None:
        raise Problem(404, "unknown-case", "There is no such case.")
    if case.is_escalated and not is_senior:
        raise Problem(403, "escalated", "This case waits for a senior moderator.")
    raise Problem(409, "not-claimable", "Another moderator holds this case, or it is decided.")


def release(case_pk: int, *, user: AbstractBaseUser) -> None:
    """Give a case back to the queue; nothing happens to one held by somebody else."""
    Case.objects.filter(pk=case_pk, holder=user.pk, state=Case.State.CLAIMED).update(
        state=Case.State.OPEN, holder=None, claimed_until_ms=0
    )


def escalate(case_pk: int, *, user: AbstractBaseUser, note: str, now_ms: int) -> None:
    """Hand a case that one holds to a senior moderator; 409 without a claim."""
    handed = held(case_pk, user=user, now_ms=now_ms).update(
        is_escalated=True, state=Case.State.OPEN, holder=None, claimed_until_ms=0
    )
    if not handed:
        raise lease_lost()
    record("escalated", f"case:{case_pk}", actor=actor_of(user), now_ms=now_ms, has_note=bool(note))


def held(case_pk: int, *, user: AbstractBaseUser, now_ms: int) -> QuerySet[Case]:
    """Return the case as a queryset, empty unless the user's claim of it still holds."""
    return Case.objects.filter(
        pk=case_pk, state=Case.State.CLAIMED, holder=user.pk, claimed_until_ms__gte=now_ms
    )


def lease_lost() -> Problem:
    """Return what is told to who has no claim, or no longer."""
    return Problem(409, "no-claim", "You do not hold this case; claim it first.")
