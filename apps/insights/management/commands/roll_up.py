"""`manage.py roll_up`: bring KPIs up to date with the log, as the worker does each minute."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.core.leases import lease
from apps.features.sessions import keep_up
from apps.insights.services import LEASE, roll_up


class Command(BaseCommand):
    """Count what the log has gained and work out the days it touched."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        """Catch up whatever is left, at once."""
        keep_up(batches=1_000_000)
        with lease(LEASE) as is_mine:
            if not is_mine:
                raise CommandError("a worker does this just now; look at /ops/ in a minute")
            days = roll_up(batches=1_000_000)
        self.stdout.write(f"days worked out: {len(days)}")
