"""Periodic learning."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from apps.learning.services import run_in_child


@shared_task(name="learning.train", time_limit=4 * 3600)
def train() -> None:
    """Tune retrieval on the log, train a candidate, and promote it if the gates let it pass."""
    if settings.TUNE_MINUTES:
        run_in_child("tune", "--minutes", str(settings.TUNE_MINUTES))
    run_in_child("train", "--strict")
