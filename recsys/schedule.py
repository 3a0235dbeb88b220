"""What runs when: the one list of periodic work."""

from __future__ import annotations

from celery.schedules import crontab

SCHEDULE = {
    "release late contents": {"task": "events.release", "schedule": 60.0},
    "retrain nightly": {"task": "learning.train", "schedule": crontab(hour="3", minute="10")},
}
