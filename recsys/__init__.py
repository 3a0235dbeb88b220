"""Composition root: settings, URLs, the Celery app and the schedule. Nothing imports it."""

from recsys.celery import app as celery_app

__all__ = ["celery_app"]
