"""What runs when: the one list of periodic work."""

from __future__ import annotations

from celery.schedules import crontab

# `expires`: a worker that was busy does not work off the beats that it missed.
SCHEDULE = {
    "release late contents": {"task": "events.release", "schedule": 60.0},
    "keep sessions": {"task": "features.sessions", "schedule": 5.0, "options": {"expires": 5}},
    "store counters": {"task": "features.snapshot", "schedule": 120.0, "options": {"expires": 60}},
    "retrain nightly": {"task": "learning.train", "schedule": crontab(hour="3", minute="10")},
}
