"""Blind double review: a sample of decisions is judged once more by somebody else."""

from __future__ import annotations

import hashlib

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from apps.core.errors import Problem
from apps.moderation.conf import CLAUSE, NO_VIOLATION, REVIEWED_SHARE
from apps.moderation.models import Action, Decision, SecondLook
from apps.moderation.services.audit import actor_of, record


def sample(decision: Decision) -> None:
    """Mark about one in twenty human decisions for a second look, by a hash of its key."""
    draw = int.from_bytes(hashlib.sha256(f"look:{decision.pk}".encode()).digest()[:8]) / 2**64
    if not decision.is_automated and draw < REVIEWED_SHARE:
        SecondLook.objects.create(decision=decision)


def look(
    look_pk: int, *, action: str, reason: str, user: AbstractBaseUser, now_ms: int
) -> SecondLook:
    """Store what a second moderator would have decided; it changes nothing by itself."""
    if action not in Action.values or (action != Action.NONE and reason not in CLAUSE):
        raise Problem(422, "invalid-verdict", "Expected an action and a reason.")
    reason = NO_VIOLATION if action == Action.NONE else reason
    with transaction.atomic():
        waiting = SecondLook.objects.filter(pk=look_pk, action="")
        by_others = waiting.exclude(decision__decided_by=user.pk)
        if not by_others.update(action=action, reason=reason, reviewer=user.pk, looked_ms=now_ms):
            raise Problem(409, "not-yours", "It was judged already, or is your own decision.")
        record("looked", f"look:{look_pk}", actor=actor_of(user), now_ms=now_ms, action=action)
    return SecondLook.objects.get(pk=look_pk)
