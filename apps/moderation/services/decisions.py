"""Decide cases, take decisions back, and decide the same for equal texts."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet

from apps.core.errors import Problem
from apps.core.webhooks import services as webhooks
from apps.moderation.conf import BULK_MOST, CLAUSE, NO_VIOLATION, UNDO_MS
from apps.moderation.models import Action, Case, Decision, Report, Statement
from apps.moderation.services.audit import actor_of, record
from apps.moderation.services.cases import held, lease_lost
from apps.moderation.services.enforcement import enforce
from apps.moderation.services.quality import sample
from apps.moderation.services.statements import state_reasons


class Verdict(NamedTuple):
    """What is decided, and what is said about it."""

    action: str
    reason: str = ""  # a clause of the policy; of "no action" it may be left out
    explanation: str = ""  # told to the creator
    note: str = ""  # for moderators only

    def checked(self) -> Verdict:
        """Return the verdict, or raise 422 for one that has no reason or makes no sense."""
        if self.action not in Action.values:
            raise Problem(422, "unknown-action", f"Expected one of {', '.join(Action.values)}.")
        if self.action == Action.NONE:
            return self._replace(reason=NO_VIOLATION)
        if self.reason not in CLAUSE:
            raise Problem(422, "reason-missing", f"Expected one of {', '.join(CLAUSE)}.")
        return self


def decide(case_pk: int, verdict: Verdict, *, user: AbstractBaseUser, now_ms: int) -> Decision:
    """Decide a case that one holds; 409 without a claim. It holds from the next feed request on."""
    verdict = verdict.checked()
    with transaction.atomic():
        # One conditional UPDATE: a case is decided once, and only by who holds it.
        if not _close(held(case_pk, user=user, now_ms=now_ms), now_ms):
            raise lease_lost()
        case = Case.objects.select_related("content").get(pk=case_pk)
        return _decided(case, verdict, user=user, now_ms=now_ms)


def decide_automatically(case: Case, verdict: Verdict, *, now_ms: int) -> Decision | None:
    """Decide an open case by machine; None when a moderator has taken or decided it meanwhile."""
    with transaction.atomic():
        if not _close(Case.objects.filter(pk=case.pk, state=Case.State.OPEN), now_ms):
            return None
        return _decided(case, verdict.checked(), user=None, now_ms=now_ms)


def alike(case: Case) -> list[Case]:
    """Return the open cases with the very same text, this one first, at most 100."""
    if not case.text_digest:
        return [case]
    others = Case.objects.filter(text_digest=case.text_digest, state=Case.State.OPEN)
    rest = others.exclude(pk=case.pk).select_related("content").order_by("pk")
    return [case, *rest[: BULK_MOST - 1]]


def decide_alike(
    case_pks: Sequence[int], verdict: Verdict, *, user: AbstractBaseUser, now_ms: int
) -> list[Decision]:
    """Decide cases of one and the same text at once, all or none; the first one must be held."""
    if not 1 <= len(case_pks) <= BULK_MOST:
        raise Problem(422, "too-many-cases", f"At most {BULK_MOST} cases are decided at once.")
    verdict, bulk = verdict.checked(), uuid.uuid4().hex
    with transaction.atomic():
        first = held(case_pks[0], user=user, now_ms=now_ms).first()
        cases = list(Case.objects.filter(pk__in=case_pks).select_related("content").order_by("pk"))
        if first is None:
            raise lease_lost()
        if len(cases) < len(set(case_pks)) or {c.text_digest for c in cases} != {first.text_digest}:
            raise Problem(422, "not-alike", "These cases do not have the same text.")
        free = Case.objects.filter(pk__in=case_pks, state=Case.State.OPEN)
        if _close(free, now_ms) + _close(Case.objects.filter(pk=first.pk), now_ms) < len(cases):
            raise Problem(409, "not-free", "One of the cases was taken or decided meanwhile.")
        return [_decided(c, verdict, user=user, now_ms=now_ms, bulk=bulk) for c in cases]


def undo(decision_pk: int, *, user: AbstractBaseUser, is_senior: bool, now_ms: int) -> Decision:
    """Take a decision back and open its case again; the content is what it was before.

    Within ten seconds by whoever decided; later by a senior moderator who did not.
    """
    with transaction.atomic():
        decision = Decision.objects.select_related("case").filter(pk=decision_pk).first()
        if decision is None:
            raise Problem(404, "unknown-decision", "There is no such decision.")
        is_own = decision.decided_by_id == user.pk
        if not (is_own and now_ms - decision.decided_ms <= UNDO_MS) and (is_own or not is_senior):
            raise Problem(
                403, "too-late", "Only another, senior moderator may undo this now (10 s are over)."
            )
        if Case.objects.filter(content=decision.content_id).exclude(state="decided").exists():
            raise Problem(409, "case-open", "The content has an open case again; decide that.")
        # Open before what it held is worked out anew: a reach that was limited is so again.
        Case.objects.filter(pk=decision.case_id).update(
            state=Case.State.OPEN, holder=None, claimed_until_ms=0, decided_ms=None
        )
        revoke(decision, user=user, now_ms=now_ms)
        return decision


def revoke(decision: Decision, *, user: AbstractBaseUser, now_ms: int) -> None:
    """Let a decision stand no longer, and undo what it did; 409 for one undone before."""
    standing = Decision.objects.filter(pk=decision.pk, undone_ms=None)
    if not standing.update(undone_ms=now_ms, undone_by=user.pk):
        raise Problem(409, "already-undone", "This decision was undone before.")
    Report.objects.filter(case_id=decision.case_id).update(outcome="")
    enforce(decision, now_ms=now_ms)
    record("undone", f"decision:{decision.pk}", actor=actor_of(user), now_ms=now_ms)
    webhooks.announce("moderation.undone", _said(decision), now_ms=now_ms)


def _close(cases: QuerySet[Case], now_ms: int) -> int:
    return cases.update(state=Case.State.DECIDED, is_escalated=False, decided_ms=now_ms)


def _decided(
    case: Case, verdict: Verdict, *, user: AbstractBaseUser | None, now_ms: int, bulk: str = ""
) -> Decision:
    decision = Decision.objects.create(
        case=case,
        content_id=case.content_id,
        **verdict._asdict(),
        status_before=case.content.status,
        is_automated=user is None,
        decided_by_id=user.pk if user else None,
        decided_ms=now_ms,
    )
    enforce(decision, now_ms=now_ms)
    state_reasons(decision, case, now_ms=now_ms)
    is_upheld = verdict.action != Action.NONE
    outcome = Report.Outcome.UPHELD if is_upheld else Report.Outcome.REJECTED
    Report.objects.filter(case=case).update(outcome=outcome)
    sample(decision)
    facts = {"action": verdict.action, "reason": verdict.reason, "case": case.pk}
    if bulk:
        facts["bulk"] = bulk
    record("decided", f"decision:{decision.pk}", actor=actor_of(user), now_ms=now_ms, **facts)
    webhooks.announce("moderation.decided", _said(decision), now_ms=now_ms)
    return decision


def _said(decision: Decision) -> dict[str, object]:
    statement = Statement.objects.filter(decision=decision).first()
    return {
        "content_id": decision.content.content_id,
        "action": decision.action,
        "reason": decision.reason,
        "statement_id": str(statement.public_id) if statement else None,
    }
