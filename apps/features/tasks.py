"""Periodic work on what is kept from the log."""

from __future__ import annotations

from celery import shared_task

from apps.core.children import run_in_child
from apps.core.clock import now_ms
from apps.core.leases import lease
from apps.features.services import snapshot_counters
from apps.features.sessions import keep_up
from apps.features.trends import buckets, detection, forecasts


@shared_task(name="features.sessions", time_limit=120)
def sessions() -> None:
    """Take new events into the sessions."""
    keep_up()


@shared_task(name="features.snapshot", time_limit=600)
def snapshot() -> None:
    """Store the counters, so that the next process starts from there."""
    snapshot_counters()


@shared_task(name="features.trends", time_limit=600)
def trends() -> None:
    """Take new events into buckets, judge those that are closed, forecast what burst."""
    with lease("trends") as is_mine:
        if not is_mine:
            return
        buckets.keep_up(now_ms())
        detection.detect(now_ms())
        if forecasts.is_due():
            run_in_child("forecast_trends", seconds=300)
