"""Periodic work on the catalogue."""

from __future__ import annotations

from celery import shared_task

from apps.content import comments
from apps.core.clock import now_ms


@shared_task(name="content.comments", time_limit=120)
def tell_comments() -> None:
    """Let comments count in what their contents are about."""
    comments.tell(now_ms=now_ms())
