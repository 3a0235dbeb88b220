"""Admin of the log and of its quarantine."""

from __future__ import annotations

from apps.events.admin.log import EventAdmin, ImportCheckpointAdmin
from apps.events.admin.quarantine import QuarantineAdmin

__all__ = ["EventAdmin", "ImportCheckpointAdmin", "QuarantineAdmin"]
