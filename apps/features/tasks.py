"""Periodic work on what is kept from the log."""

from __future__ import annotations

from celery import shared_task

from apps.features.sessions import keep_up


@shared_task(name="features.sessions", time_limit=120)
def sessions() -> None:
    """Take new events into the sessions."""
    keep_up()
