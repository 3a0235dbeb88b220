"""Write the log: events of clients and imports, and what waits outside of it."""

from __future__ import annotations

from apps.events.services.append import LoggedEvent, append_log
from apps.events.services.ingest import ingest, keep_unreadable
from apps.events.services.replay import (
    QuarantineError,
    Replayed,
    check_fix,
    discard,
    fix,
    release,
    release_all,
    replay,
)
from apps.events.services.slates import SlateRow, log_slate
from apps.events.validation import IngestRules

__all__ = [
    "IngestRules",
    "LoggedEvent",
    "QuarantineError",
    "Replayed",
    "SlateRow",
    "append_log",
    "check_fix",
    "discard",
    "fix",
    "ingest",
    "keep_unreadable",
    "log_slate",
    "release",
    "release_all",
    "replay",
]
