"""Run a Celery worker and beat in threads of this process, for the mode without services."""

from __future__ import annotations

import logging
import threading

from celery.beat import Service

from recsys.celery import app

logger = logging.getLogger(__name__)


def start() -> None:
    """Start both threads; they are daemons and end with the process."""
    app.finalize()  # installs the schedule: beat would start with an empty one before it
    for name, run in (("celery-worker", _work), ("celery-beat", _beat)):
        threading.Thread(target=run, name=name, daemon=True).start()
    logger.info("Celery worker and beat run inside this process (broker memory://)")


def _work() -> None:
    app.Worker(
        # Two, so that sessions are kept while a training runs.
        pool="threads",
        concurrency=2,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        loglevel="WARNING",
    ).start()


def _beat() -> None:
    Service(app, scheduler_cls="celery.beat:Scheduler").start(embedded_process=False)
