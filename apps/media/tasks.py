"""Periodic work of media."""

from __future__ import annotations

from celery import shared_task

from apps.core.clock import now_ms
from apps.core.leases import lease
from apps.media import services
from apps.media.conf import BATCH
from apps.media.renewal import renew


@shared_task(name="media.analyze", time_limit=3000)
def analyze() -> None:
    """Analyze the files that wait; one worker at a time, so that requests keep their cores."""
    with lease("media analysis") as is_held:
        if is_held:
            for _ in range(BATCH):
                if not services.work_next(now_ms=now_ms()):
                    renew(now_ms=now_ms())
                    break
