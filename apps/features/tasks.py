"""Periodic work on what is kept from the log."""

from __future__ import annotations

from celery import shared_task

from apps.features.services import snapshot_counters
from apps.features.sessions import keep_up


@shared_task(name="features.sessions", time_limit=120)
def sessions() -> None:
    """Take new events into the sessions."""
    keep_up()


@shared_task(name="features.snapshot", time_limit=600)
def snapshot() -> None:
    """Store the counters, so that the next process starts from there."""
    snapshot_counters()
