"""Periodic work: totals, samples, alerts."""

from __future__ import annotations

from celery import shared_task

from apps.core.clock import now_ms
from apps.core.leases import lease
from apps.insights.alerts import check_alerts
from apps.insights.services import LEASE, roll_up
from apps.insights.watched import sample


@shared_task(name="insights.roll_up", time_limit=900)
def roll_up_totals() -> None:
    """Take new events into the totals, then judge the rules by what is known."""
    with lease(LEASE) as is_mine:
        if not is_mine:
            return
        sample(now_ms())
        roll_up()
        check_alerts(now_ms=now_ms())
