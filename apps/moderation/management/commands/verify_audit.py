"""`manage.py verify_audit`: does the audit log fit together, from the first entry to the last."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.moderation.models import AuditEntry
from apps.moderation.services.audit import broken_at


class Command(BaseCommand):
    """Verify the chain; exit 1 where it breaks."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Say that all fits, and the last digest, which to keep elsewhere shows later cuts."""
        place = broken_at()
        if place is not None:
            raise CommandError(f"entry {place + 1} does not fit: the log was tampered with")
        last = AuditEntry.objects.order_by("-number").first()
        count, digest = (last.number, last.digest) if last else (0, "none")
        self.stdout.write(f"{count} entries fit; the last digest is {digest}")
