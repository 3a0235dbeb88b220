"""Statements of reasons (DSA art. 17), made from decisions."""

from __future__ import annotations

from apps.core.clock import DAY_MS
from apps.moderation.conf import APPEAL_DAYS, CLAUSE
from apps.moderation.models import Action, Case, Decision, Statement

RESTRICTION = {
    Action.AGE_RESTRICT: "visibility: adults only",
    Action.LIMIT: "visibility: followers only",
    Action.REMOVE: "removal of the content",
    Action.WARN: "warning, no restriction",
    Action.SUSPEND: "suspension of the account",
}


def state_reasons(decision: Decision, case: Case, *, now_ms: int) -> Statement | None:
    """Store the statement of a decision; where nothing was done there is none."""
    if decision.action == Action.NONE:
        return None
    clause = CLAUSE[decision.reason]
    return Statement.objects.create(
        decision=decision,
        restriction=RESTRICTION[Action(decision.action)],
        facts=decision.explanation or f"The content falls under: {clause.label}.",
        ground=clause.ground,
        reference=clause.reference,
        was_detected_automatically=case.source == Case.Source.SCREENING,
        was_decided_automatically=decision.is_automated,
        appeal_until_ms=now_ms + APPEAL_DAYS * DAY_MS,
        created_ms=now_ms,
    )
