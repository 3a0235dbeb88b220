"""Periodic work on the log."""

from __future__ import annotations

from celery import shared_task

from apps.events.services import release_all


@shared_task(name="events.release", time_limit=60)
def release() -> None:
    """Let in events that came in the same moment as their content."""
    release_all()
