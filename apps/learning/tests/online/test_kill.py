"""A process that is killed between learning and serving."""

from __future__ import annotations

import signal

import pytest
from django.conf import settings

from apps.content.tests.factories import make_contents
from apps.core import artifacts
from apps.core.models import Artifact
from apps.core.tests.processes import env_of_test, python
from apps.learning.models import OnlineStep
from apps.learning.online import increment
from apps.learning.online.loop import tick
from apps.learning.tests.online.factories import (
    MINUTE_MS,
    NOW_MS,
    PARAMS,
    SETTLED_MS,
    hashes,
    serve_bundle,
    started,
    states,
    watch_slates,
)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
State = OnlineStep.State

DIE_WHEN_WEIGHTS_ARE_TO_SERVE = """
import os, signal
from django.db import connection
from apps.learning.online.loop import tick
from apps.learning.tests.online.factories import NOW_MS, PARAMS, SETTLED_MS
def die(execute, sql, *rest):
    if sql.startswith("UPDATE") and "core_artifact" in sql and "alias" in sql:
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, *rest)
tick(now_ms=NOW_MS + 1, params=PARAMS)
with connection.execute_wrapper(die):
    tick(now_ms=SETTLED_MS, params=PARAMS)
"""


def test_killed_between_learning_and_serving_reaches_the_same_weights() -> None:
    contents = make_contents(5, now_ms=NOW_MS - 100 * MINUTE_MS)
    serve_bundle()
    started(contents)
    env = env_of_test(settings.ARTIFACT_ROOT.parent, redis_url=settings.REDIS_URL)
    killed = python(DIE_WHEN_WEIGHTS_ARE_TO_SERVE, env | {"RECSYS_REFRESH_SECONDS": "0"})
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert states() == [State.TRAINING]
    learned = Artifact.objects.get(family=increment.FAMILY)  # written, and serving nobody
    assert learned.alias is None

    # More comes in before somebody goes on: the stretch is fixed, it changes nothing.
    watch_slates(3, contents=contents, at_ms=NOW_MS + MINUTE_MS)
    step = tick(now_ms=SETTLED_MS + 30 * MINUTE_MS, params=PARAMS)

    assert step is not None
    assert step.n_examples == 25
    serving = artifacts.production_artifact(increment.FAMILY)
    assert serving is not None
    assert hashes(serving) == hashes(learned)
    assert serving.manifest["prequential_loss"] == learned.manifest["prequential_loss"]
