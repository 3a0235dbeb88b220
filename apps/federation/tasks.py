"""Periodic work on federated rounds."""

from __future__ import annotations

from celery import shared_task

from apps.core.clock import now_ms
from apps.core.leases import lease
from apps.federation import rounds, selectors


@shared_task(name="federation.advance", time_limit=600)
def advance() -> None:
    """Open rounds, take them on, close them."""
    if not selectors.is_wanted():
        return  # every few seconds: nothing is written where nobody trains on devices
    with lease("federation") as is_mine:
        if is_mine:
            rounds.advance(now_ms=now_ms())
