"""Admin of the log and of its quarantine."""

from __future__ import annotations

from apps.events.admin.log import EventAdmin, ImportCheckpointAdmin

__all__ = ["EventAdmin", "ImportCheckpointAdmin"]
