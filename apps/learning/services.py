"""Train from the database and publish what was learned."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings

from apps.content import selectors as content
from apps.core.clock import now_ms, to_datetime
from apps.core.errors import RecsysError
from apps.core.leases import lease
from apps.core.models import Artifact
from apps.events import selectors as events
from apps.events.types import EventType
from apps.features.selectors import SCHEMA_HASH
from apps.learning import bundle
from apps.learning.conf import TrainingParams
from apps.learning.training import Say, train_all

MIN_VIEWS = 100  # fewer say nothing worth a model
CHILD_SECONDS = 3 * 3600


class TrainingError(RecsysError):
    """Training could not be done."""


def train_and_publish(params: TrainingParams, *, say: Say, until_ms: int | None = None) -> Artifact:
    """Learn from all events before `until_ms` (default: all) and promote the result.

    Raises `TrainingError` when another training is running or there is too little to learn from.
    """
    with lease("train") as is_mine:
        if not is_mine:
            raise TrainingError("another training is running; try again when it has ended")
        catalog = content.catalog()
        say("reading the log")
        log = events.log(catalog, until_ms=until_ms)
        n_views = int((log.kind == EventType.VIEW).sum())
        if n_views < MIN_VIEWS:
            raise TrainingError(f"{n_views} views in the log, at least {MIN_VIEWS} are needed")
        started_ms = now_ms()
        trained = train_all(log, catalog, params, version="training", say=say)
        say("checking and publishing the bundle")
        facts = {
            "schema": SCHEMA_HASH,
            "data_from": to_datetime(int(log.at_ms[0])).isoformat(),
            "data_until": to_datetime(int(log.at_ms[-1])).isoformat(),
            "n_events": len(log),
            "n_contents": len(catalog),
            "train_seconds": (now_ms() - started_ms) / 1000,
            "importance": _main(trained.rankers.select.importance()),
        }
        return bundle.publish(trained, catalog, facts)


def _main(importance: dict[str, float], n: int = 30) -> dict[str, float]:
    """Return the n features with the largest share of the gain."""
    return dict(sorted(importance.items(), key=lambda item: -item[1])[:n])


def train_in_child() -> None:
    """Run `manage.py train` in a process of its own, which can neither slow nor crash this one."""
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "train", "--quiet"]
    result = subprocess.run(  # noqa: S603  fixed program
        command, capture_output=True, text=True, check=False, timeout=CHILD_SECONDS
    )
    if result.returncode != 0:
        raise TrainingError(
            f"manage.py train ended with {result.returncode}: {result.stderr[-500:]}"
        )
