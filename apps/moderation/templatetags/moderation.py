"""Moments, ages and probabilities in words."""

from __future__ import annotations

from django import template

from apps.core.clock import HOUR_MS, to_datetime

register = template.Library()


@register.filter
def moment(at_ms: int | None) -> str:
    """Return a moment in ms since 1970 as date and time in UTC."""
    return f"{to_datetime(at_ms):%Y-%m-%d %H:%M}" if at_ms else "–"


@register.filter
def due(due_ms: int, now_ms: int) -> str:
    """Return how long there is until a moment, or since it: 5 min left, 3 h left, 2 d late."""
    ms, word = abs(due_ms - now_ms), "late" if due_ms < now_ms else "left"
    if ms < HOUR_MS:
        return f"{ms // 60_000} min {word}"
    return f"{ms // HOUR_MS} h {word}" if ms < 48 * HOUR_MS else f"{ms // (24 * HOUR_MS)} d {word}"


@register.filter
def percent(share: float | None) -> str:
    """Return a share of 1 in per cent."""
    return "–" if share is None else f"{100 * share:.0f} %"
