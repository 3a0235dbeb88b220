"""When to learn (spec §6.2)."""

from __future__ import annotations

from apps.learning.conf import OnlineParams


def is_due(n_buffered: int, waited_ms: int, params: OnlineParams) -> bool:
    """Say whether B views are buffered, or T minutes have passed and there is any.

    waited_ms: since the last step.
    """
    is_late = waited_ms >= params.minutes * 60_000
    return n_buffered >= params.buffer or (is_late and n_buffered > 0)
