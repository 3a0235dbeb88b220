"""Appeals against statements of reasons (DSA art. 20), decided by somebody else."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from apps.core.errors import Problem
from apps.core.webhooks import services as webhooks
from apps.moderation.models import Appeal, Statement
from apps.moderation.services.audit import actor_of, record
from apps.moderation.services.decisions import revoke


def appeal(statement: Statement, *, text: str, now_ms: int) -> Appeal:
    """Store the one appeal against a statement; 409 for a second one, 422 when it is too late."""
    if now_ms > statement.appeal_until_ms:
        raise Problem(422, "too-late", "The time for an appeal is over.")
    try:
        with transaction.atomic():
            made = Appeal.objects.create(statement=statement, text=text, received_ms=now_ms)
            record("appealed", f"appeal:{made.pk}", actor="system", now_ms=now_ms)
    except IntegrityError as error:
        raise Problem(409, "already-appealed", "There is an appeal against this.") from error
    return made


def answer(
    appeal_pk: int, *, overturn: bool, text: str, user: AbstractBaseUser, now_ms: int
) -> Appeal:
    """Decide an appeal; 403 for who made the decision. Overturning undoes exactly what it did."""
    if not text.strip():
        raise Problem(422, "answer-missing", "The creator is owed an answer in words.")
    with transaction.atomic():
        found = Appeal.objects.select_related("statement__decision__content").filter(pk=appeal_pk)
        made = found.first()
        if made is None:
            raise Problem(404, "unknown-appeal", "There is no such appeal.")
        decision = made.statement.decision
        if decision.decided_by_id == user.pk:
            raise Problem(403, "own-decision", "Another moderator must decide this appeal.")
        state = Appeal.State.OVERTURNED if overturn else Appeal.State.UPHELD
        open_one = Appeal.objects.filter(pk=appeal_pk, state=Appeal.State.OPEN)
        given = {"answer": text, "decided_by": user.pk, "decided_ms": now_ms}
        if not open_one.update(state=state, **given):
            raise Problem(409, "already-decided", "This appeal was decided before.")
        if overturn and decision.undone_ms is None:
            revoke(decision, user=user, now_ms=now_ms)
        record("answered", f"appeal:{appeal_pk}", actor=actor_of(user), now_ms=now_ms, state=state)
        said = {"appeal_id": str(made.public_id), "state": state}
        webhooks.announce("moderation.appeal_decided", said, now_ms=now_ms)
    made.refresh_from_db()
    return made
