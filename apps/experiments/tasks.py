"""Periodic work on experiments."""

from __future__ import annotations

from celery import shared_task

from apps.core.clock import now_ms
from apps.experiments.services import judge_all


@shared_task(name="experiments.judge", time_limit=1800)
def judge() -> None:
    """Work out what running experiments say, and stop those that do harm."""
    judge_all(now_ms=now_ms())
