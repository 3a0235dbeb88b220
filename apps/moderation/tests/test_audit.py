"""The audit log: complete, chained, and refused to be changed by the database."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from apps.content.tests.factories import NOW_MS
from apps.moderation.export import audit_lines
from apps.moderation.models import AuditEntry
from apps.moderation.services import decisions
from apps.moderation.services.audit import record
from apps.moderation.tests.factories import make_decision, make_user

pytestmark = pytest.mark.django_db


def test_each_step_is_in_the_log_in_order() -> None:
    mo = make_user()
    decision = make_decision(user=mo)
    decisions.undo(decision.pk, user=mo, is_senior=False, now_ms=NOW_MS)

    entries = AuditEntry.objects.order_by("number")
    assert [(e.number, e.actor, e.verb) for e in entries] == [
        (1, "system", "opened"),
        (2, f"user:{mo.pk}", "decided"),
        (3, f"user:{mo.pk}", "undone"),
    ]


@pytest.mark.parametrize(
    "change", [lambda rows: rows.update(verb="nothing"), lambda rows: rows.delete()]
)
def test_database_refuses_changes(change: object) -> None:
    record("tried", "case:1", actor="system", now_ms=NOW_MS)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change(AuditEntry.objects.all())  # type: ignore[operator]

    assert AuditEntry.objects.get().verb == "tried"


def test_verification_names_the_entry_that_was_forged_past_the_database() -> None:
    for n in range(3):
        record("tried", f"case:{n}", actor="system", now_ms=NOW_MS, n=n)
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "3 entries fit" in out.getvalue()

    forge()
    with pytest.raises(CommandError, match="entry 2"):
        call_command("verify_audit")


def forge() -> None:
    """Change the second entry as one would who may drop triggers."""
    names = ("refuse",) if connection.vendor == "postgresql" else ("refuse_update",)
    on = " ON moderation_auditentry" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TRIGGER moderation_auditentry_{name}{on}")
    AuditEntry.objects.filter(number=2).update(subject="case:99")


def test_export_has_a_line_an_entry() -> None:
    record("tried", "case:1", actor="system", now_ms=NOW_MS, n=1)

    (line,) = audit_lines()

    assert json.loads(line)["facts"] == {"n": 1}
