"""Moderators, reports and cases with valid minimal defaults."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection

from apps.content import selectors as contents
from apps.content.models import Content
from apps.content.tests.factories import NOW_MS, make_content
from apps.events import selectors as events
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.moderation.models import AuditEntry, Case, Decision
from apps.moderation.services import cases, decisions, reports


def make_user(name: str = "mo", role: str = "moderator") -> User:
    """Return a member of staff with a role, or with none."""
    user = User.objects.create(username=name, is_staff=True)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)  # without cached permissions


def report(*said: dict[str, Any], now_ms: int = NOW_MS) -> None:
    """Let viewers report, and take what they sent at once.

    PostgreSQL hands out events only after their transaction; a test never leaves its own.
    """
    before = Event.objects.count()
    send(*said, now_ms=now_ms)
    log = events.log(contents.current_catalog())
    reports.take_reports(log.take(slice(before, None)))


def empty_audit() -> None:
    """Let the database of a test with real transactions be flushed: its audit log refuses that."""
    migration = import_module("apps.moderation.migrations.0002_audit_is_append_only")
    with connection.schema_editor() as editor:
        migration.allow(None, editor)
    AuditEntry.objects.all().delete()
    with connection.schema_editor() as editor:
        migration.forbid(None, editor)


def make_case(content_id: str = "v1", **given: Any) -> Case:
    """Return the case of a content that alice has reported."""
    content = Content.objects.filter(content_id=content_id).first()
    if content is None:
        content = make_content(content_id, description=given.pop("description", "hello"))
    report(make_event("report", content_id=content_id, reason=given.pop("reason", "hate")))
    return Case.objects.get(content=content, state="open")


def make_decision(
    action: str = "remove",
    *,
    case: Case | None = None,
    user: User | None = None,
    reason: str = "hate",
    at_ms: int = NOW_MS,
) -> Decision:
    """Return what a moderator decided about a case."""
    case = case or make_case()
    user = user or make_user()
    cases.claim(case.pk, user=user, now_ms=at_ms)
    verdict = decisions.Verdict(action, reason)
    return decisions.decide(case.pk, verdict, user=user, now_ms=at_ms)
