"""The Celery app; `recsys.schedule` says what runs when."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

app = Celery("recsys")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def install_schedule(sender: Celery, **_: object) -> None:
    """Give beat the one schedule."""
    from recsys.schedule import SCHEDULE

    sender.conf.beat_schedule = SCHEDULE
