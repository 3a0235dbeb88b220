"""The audit log as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

from apps.moderation.services.audit import body, entries


def audit_lines() -> Iterator[str]:
    """Yield one line an entry, in order, with what chains it."""
    for entry in entries():
        yield json.dumps({**body(entry), "previous": entry.previous, "digest": entry.digest}) + "\n"
