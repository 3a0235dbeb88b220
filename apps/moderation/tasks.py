"""Periodic work of moderation."""

from __future__ import annotations

from celery import shared_task

from apps.core.clock import now_ms
from apps.core.leases import lease
from apps.moderation import comments, media_screening, screening
from apps.moderation.services import reports


@shared_task(name="moderation.reports", time_limit=120)
def take_reports() -> None:
    """Make cases of the reports that viewers sent."""
    reports.keep_up()


@shared_task(name="moderation.comments", time_limit=120)
def take_comments() -> None:
    """Screen the comments that viewers wrote."""
    comments.keep_up()


@shared_task(name="moderation.screen", time_limit=600)
def screen() -> None:
    """Screen the contents that are new or changed."""
    with lease("moderation screening") as is_held:
        if is_held:
            screening.screen_changes(screening.production(), now_ms=now_ms())
            media_screening.screen_media(now_ms=now_ms())
