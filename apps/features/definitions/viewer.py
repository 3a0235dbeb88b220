"""What is known of the viewer and of the moment, whatever the content (spec §3.1, §3.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.view import View

_PRIOR = 5.0  # views that a viewer's own rate counts as much as the average
_AVERAGE_LONG_RATE = 0.35
_SESSION_GAP_HOURS = 0.5  # spec §2.3


def _behavior(view: View) -> NDArray[np.float32]:
    h = view.history
    n_views, n_long = h.is_view.sum(1), h.is_long.sum(1)
    last_ten = h.is_view * (np.cumsum(h.is_view, axis=1) <= 10)
    filled = h.content >= 0
    last_hours = np.where(filled[:, 0], h.hours_ago[:, 0], 1e4)
    gap = np.diff(h.hours_ago, axis=1, prepend=0.0)
    in_session = np.logical_and.accumulate((gap <= _SESSION_GAP_HOURS) & filled, axis=1)
    liked = ((h.weight >= 1) & (h.is_view == 0)).sum(1)
    columns = [
        np.log1p(n_views),
        (n_long + _PRIOR * _AVERAGE_LONG_RATE) / (n_views + _PRIOR),
        ((h.is_long * last_ten).sum(1) + 2 * _AVERAGE_LONG_RATE) / (last_ten.sum(1) + 2),
        np.log1p(last_hours),
        np.log1p((in_session & (h.is_view == 1)).sum(1)),
        (liked + 0.1) / (n_views + _PRIOR),
        _skip_streak(h.is_view, h.is_long),
    ]
    return np.asarray(view.of_pairs(np.stack(columns, axis=1).astype(np.float32)))


def _skip_streak(is_view: NDArray[np.float32], is_long: NDArray[np.float32]) -> NDArray:
    """Return how many views there have been since the last long one, float32[m]."""
    before_long = np.logical_and.accumulate(is_long == 0, axis=1)
    return np.log1p((before_long & (is_view == 1)).sum(1))


BEHAVIOR = FeatureGroup(
    "viewer_behavior",
    (
        Feature("n_views", "log(1 + views in the history read, at most 100 events)"),
        Feature("long_rate", "share of long views, smoothed"),
        Feature("long_rate_last_10", "share of long views in the last ten, smoothed"),
        Feature("hours_since_last", "log(1 + hours since the viewer's last event)"),
        Feature("session_views", "log(1 + views in the session going on, 30 minutes' gap)"),
        Feature("like_rate", "explicit positive events per view, smoothed"),
        Feature("streak_without_long", "log(1 + views since the last long one)"),
    ),
    _behavior,
)


def _context(view: View) -> NDArray[np.float32]:
    local_hours = view.at_ms / 3_600_000 + view.utc_offset_minutes / 60
    angle = 2 * np.pi * (local_hours % 24) / 24
    weekday = (local_hours // 24 + 3) % 7  # 1 January 1970 was a Thursday
    columns = np.stack([np.sin(angle), np.cos(angle), weekday, view.surface], axis=1)
    return np.asarray(view.of_pairs(columns.astype(np.float32)))


CONTEXT = FeatureGroup(
    "context",
    (
        Feature("hour_sin", "sin(2π·hour/24), the viewer's local fractional hour"),
        Feature("hour_cos", "cos(2π·hour/24)"),
        Feature("weekday", "0 Monday … 6 Sunday, local"),
        Feature("surface", "page of the app, as the client numbers it"),
    ),
    _context,
)
