"""Periodic learning."""

from __future__ import annotations

from celery import shared_task

from apps.learning.services import train_in_child


@shared_task(name="learning.train", time_limit=4 * 3600)
def train() -> None:
    """Retrain everything from the log and promote it."""
    train_in_child()
