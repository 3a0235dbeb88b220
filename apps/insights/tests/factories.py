"""Logs that are rolled up at once, and people with rights."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User

from apps.content.tests.factories import DAY_MS, NOW_MS
from apps.events.tests.factories import send
from apps.features.sessions import keep_up as keep_sessions
from apps.insights.days import day_of
from apps.insights.services import roll_up

TODAY = day_of(NOW_MS)


def take_in(*events: dict[str, Any]) -> list[int]:
    """Send events of any age, count them, and return the days that were worked out."""
    for start in range(0, len(events), 400):
        send(*events[start : start + 400], now_ms=NOW_MS, may_backfill=True)
    keep_sessions()
    return roll_up()


def on_day(days_ago: int, second: int = 0) -> int:
    """Return a moment that many days before today, so many seconds after its noon in UTC."""
    return (TODAY - days_ago) * DAY_MS + DAY_MS // 2 + second * 1000


def make_user(name: str = "ana", role: str = "analyst") -> User:
    """Return a member of staff with a role, or with none."""
    user = User.objects.create(username=name, is_staff=True)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return User.objects.get(pk=user.pk)  # without cached permissions
