"""The task: one worker at a time, and no step is due twice."""

from __future__ import annotations

import pytest

from apps.content.tests.factories import make_contents
from apps.core.clock import now_ms
from apps.core.leases import lease
from apps.learning.models import OnlineStep
from apps.learning.tasks import online
from apps.learning.tests.online.factories import MINUTE_MS, serve_bundle, watch_slates

pytestmark = pytest.mark.django_db(transaction=True)


def test_task_takes_every_step_that_is_due_unless_another_worker_does() -> None:
    now = now_ms()
    contents = make_contents(5, now_ms=now - 100 * MINUTE_MS)
    serve_bundle(until_ms=now - 60 * MINUTE_MS)
    online()
    OnlineStep.objects.update(opened_ms=now - 6 * MINUTE_MS)  # T has passed
    watch_slates(2, contents=contents, at_ms=now - 30 * MINUTE_MS)
    with lease("online") as is_mine:
        assert is_mine
        online()
    assert OnlineStep.objects.count() == 1
    online()
    states = OnlineStep.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["published", "buffering"]
