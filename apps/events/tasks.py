"""Periodic work on the log."""

from __future__ import annotations

from celery import shared_task

from apps.events.services import link_all_events


@shared_task(name="events.link", time_limit=60)
def link() -> None:
    """Link events that came in the same moment as their content."""
    link_all_events()
