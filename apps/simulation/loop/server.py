"""The product in this process, with its periodic work, under a clock that a simulation moves."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from typing import Any

from celery import current_app
from celery.schedules import crontab
from django.core.handlers.wsgi import WSGIHandler

from apps.core import live
from apps.core.clock import DAY_MS, HOUR_MS, set_virtual
from apps.core.errors import RecsysError

logger = logging.getLogger(__name__)

_MINUTE_MS = HOUR_MS // 60
# Work that is due every few seconds runs this often: nothing happens in between for most of a day.
_SELDOM_MS = 30 * _MINUTE_MS


class VirtualServer:
    """Answers requests at the moment that `advance` names; the worker's tasks run on the way.

    Nothing but the clock is replaced: requests pass every middleware, tasks are those of the
    schedule, and what they start runs in child processes that begin at the same moment. Without
    `works` there is no worker: where nobody asks for a feed, nothing has to be learned for it.
    """

    def __init__(self, start_ms: int, *, key: str, works: bool) -> None:
        self.failures: list[str] = []  # tasks that failed, with what they said
        self._key = key
        self._handler = WSGIHandler()
        current_app.finalize()  # installs the schedule
        current_app.loader.import_default_modules()  # tasks are registered
        entries = current_app.conf.beat_schedule.values() if works else ()
        self._schedules = {entry["task"]: entry["schedule"] for entry in entries}
        self._due = {task: _next(when, start_ms) for task, when in self._schedules.items()}
        set_virtual(start_ms)
        live.refresh_all()

    def advance(self, at_ms: int) -> None:
        """Let it be `at_ms`: run what is due until then, and follow the database."""
        while due := [(due_ms, task) for task, due_ms in self._due.items() if due_ms <= at_ms]:
            due_ms, task = min(due)
            set_virtual(due_ms)
            self._run(task)
            self._due[task] = _next(self._schedules[task], due_ms)
        set_virtual(at_ms)
        if self._due:
            live.refresh_all()

    def send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Answer one request."""
        bare, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": bare,
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Bearer {self._key}",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
        }
        for name, value in (headers or {}).items():
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
        status: list[str] = []
        response = self._handler(environ, _noting(status))
        try:
            return int(status[0][:3]), b"".join(response)
        finally:
            response.close()

    def _run(self, task: str) -> None:
        try:
            current_app.tasks[task].apply(throw=True)
        except RecsysError as error:
            # As in production: it is told, and tried again when it is due again.
            self.failures.append(f"{task}: {str(error).strip().splitlines()[-1]}")


def _noting(status: list[str]) -> Any:
    """Return a WSGI `start_response` that notes the status line."""

    def start_response(line: str, _headers: Any, _error: Any = None) -> Any:
        status.append(line)

    return start_response


def _next(schedule: Any, after_ms: int) -> int:
    """Return when a task is due next: a time of day, or so long after."""
    if not isinstance(schedule, crontab):
        return after_ms + max(round(float(schedule) * 1000), _SELDOM_MS)
    times = [
        HOUR_MS * hour + _MINUTE_MS * minute for hour in schedule.hour for minute in schedule.minute
    ]
    midnight = after_ms - after_ms % DAY_MS
    return min(
        at for day in (0, DAY_MS) for time in times if (at := midnight + day + time) > after_ms
    )
