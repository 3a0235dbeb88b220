"""What runs when: the one list of periodic work."""

from __future__ import annotations

from celery.schedules import crontab

SCHEDULE = {
    "train nightly": {"task": "learning.train", "schedule": crontab(hour="3", minute="10")},
}
