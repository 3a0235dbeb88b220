"""Periodic learning."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from apps.core.children import run_in_child
from apps.core.clock import now_ms
from apps.core.leases import lease
from apps.learning.online.loop import tick
from apps.learning.rollout import chain
from apps.learning.services import is_outgrown

_SECONDS = 3 * 3600  # of a child process


@shared_task(name="learning.train", time_limit=4 * 3600)
def train() -> None:
    """Tune retrieval on the log, train a candidate, and promote it if the gates let it pass."""
    if settings.TUNE_MINUTES:
        run_in_child("tune", "--minutes", str(settings.TUNE_MINUTES), seconds=_SECONDS)
    run_in_child("train", "--strict", seconds=_SECONDS)


@shared_task(name="learning.grow", time_limit=4 * 3600)
def grow() -> None:
    """Train when a young log has outgrown the latest training: who is new learns within the day."""
    if is_outgrown():
        run_in_child("train", "--strict", seconds=_SECONDS)


@shared_task(name="learning.online", time_limit=600)
def online() -> None:
    """Let the network follow what viewers did with slates, step by step until none is due."""
    with lease("online") as is_mine:
        while is_mine and tick(now_ms=now_ms()):
            pass


@shared_task(name="learning.rollout", time_limit=600)
def rollout() -> None:
    """Do what is due between a candidate and its promotion, or its rollback."""
    chain.tick(mode=settings.ROLLOUT, now_ms=now_ms())
