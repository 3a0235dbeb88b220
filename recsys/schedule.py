"""What runs when: the one list of periodic work."""

from __future__ import annotations

from celery.schedules import crontab

# `expires`: a worker that was busy does not work off the beats that it missed.
SCHEDULE = {
    "release late contents": {"task": "events.release", "schedule": 60.0},
    "keep sessions": {"task": "features.sessions", "schedule": 5.0, "options": {"expires": 5}},
    "store counters": {"task": "features.snapshot", "schedule": 120.0, "options": {"expires": 60}},
    "judge experiments": {
        "task": "experiments.judge",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "find trends": {"task": "features.trends", "schedule": 15.0, "options": {"expires": 15}},
    "keep KPIs, check alerts": {
        "task": "insights.roll_up",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "take reports": {"task": "moderation.reports", "schedule": 5.0, "options": {"expires": 5}},
    "screen contents": {"task": "moderation.screen", "schedule": 10.0, "options": {"expires": 10}},
    "screen comments": {
        "task": "moderation.comments",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "tell comments": {"task": "content.comments", "schedule": 600.0, "options": {"expires": 600}},
    "analyze media": {"task": "media.analyze", "schedule": 10.0, "options": {"expires": 10}},
    "send webhooks": {"task": "core.webhooks", "schedule": 10.0, "options": {"expires": 10}},
    "take federated rounds on": {
        "task": "federation.advance",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "learn online": {"task": "learning.online", "schedule": 10.0, "options": {"expires": 10}},
    "roll out": {"task": "learning.rollout", "schedule": 60.0, "options": {"expires": 60}},
    "train as a young log grows": {
        "task": "learning.grow",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "retrain nightly": {"task": "learning.train", "schedule": crontab(hour="3", minute="10")},
}
