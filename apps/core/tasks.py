"""Periodic work that knows no domain."""

from __future__ import annotations

from celery import shared_task

from apps.core.webhooks.services import deliver_due


@shared_task(name="core.webhooks", time_limit=300)
def webhooks() -> None:
    """Send what waits in the outbox."""
    deliver_due()
