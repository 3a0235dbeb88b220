"""What is known of the viewer, whatever the content: habits, engagement, sessions (spec §3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.history import HISTORY_SLOTS, LAST_VIEWS, Summed
from apps.features.view import HALF_LIVES_HOURS, Past, View

Floats = NDArray[np.float32]

PRIOR_VIEWS = 5.0  # views that a viewer's own rate counts as much as the average
AVERAGE_LONG_RATE = 0.35
_NEVER_HOURS = 1e4
_MAX_LOG = 20.0
_LOG_SLOTS = float(np.log1p(HISTORY_SLOTS)) + 1e-3
MOST_ENGAGED = float(np.log1p(3 * HISTORY_SLOTS)) + 1e-3  # the strongest event in every slot


def signed_log(weight: Floats) -> Floats:
    """Return sign(w)·log(1 + |w|): heavy users and others on one scale, for and against alike."""
    return np.asarray(np.sign(weight) * np.log1p(np.abs(weight)))


def long_rate(view: View) -> Floats:
    """Return the viewer's share of long views, smoothed, float32[m]."""
    sums = view.history.sums
    long_views = sums[:, Summed.LONG] + PRIOR_VIEWS * AVERAGE_LONG_RATE
    return np.asarray(long_views / (sums[:, Summed.VIEW] + PRIOR_VIEWS))


def _behavior(view: View) -> Floats:
    h = view.history
    n_views = h.sums[:, Summed.VIEW]
    last_ten = h.last_sums[:, LAST_VIEWS.index(10)]
    last_hours = np.where(h.is_filled[:, -1], h.hours_ago[:, -1], _NEVER_HOURS)
    columns = [
        np.log1p(n_views),
        long_rate(view),
        (last_ten[:, Summed.LONG] + 2 * AVERAGE_LONG_RATE) / (last_ten[:, Summed.VIEW] + 2),
        h.last_sums[:, LAST_VIEWS.index(1), Summed.LONG],
        np.log1p(h.streak),
        (h.sums[:, Summed.LIKED] + 0.1) / (n_views + PRIOR_VIEWS),
        (h.sums[:, Summed.AGAINST] + 0.1) / (n_views + PRIOR_VIEWS),
        np.log1p(np.minimum(last_hours, _NEVER_HOURS)),
    ]
    return np.stack(columns, axis=1)


BEHAVIOR = FeatureGroup(
    "viewer_behavior",
    (
        Feature("n_views", "log(1 + views in the history, at most 100 events)", 0, _LOG_SLOTS),
        Feature("long_rate", "share of long views, smoothed", 0, 1, AVERAGE_LONG_RATE),
        Feature("long_rate_last_10", "of the last ten views, smoothed", 0, 1, AVERAGE_LONG_RATE),
        Feature("last_was_long", "1 if the last view was long", 0, 1, kind="flag"),
        Feature("streak_without_long", "log(1 + views since the last long one)", 0, _LOG_SLOTS),
        Feature("like_rate", "explicit positive events per view, smoothed", 0, 21, 0.02),
        Feature("negative_rate", "skips, hides and reports per view, smoothed", 0, 21, 0.02),
        Feature(
            "hours_since_last",
            "log(1 + hours since the viewer's last event), at most 10,000",
            0,
            10,
            float(np.log1p(_NEVER_HOURS)),
        ),
    ),
    _behavior,
    "request",
)


def _engagement(view: View) -> Floats:
    recent = signed_log(view.history_totals[:, Past.RECENT_1H : Past.RECENT_30D + 1])
    positive = np.log1p(view.history.sums[:, Summed.POSITIVE])
    return np.concatenate([positive[:, None], recent], axis=1)


ENGAGEMENT = FeatureGroup(
    "viewer_engagement",
    (
        Feature("engagement", "log(1 + weight of all that the viewer did for contents)", 0, 6),
        *(
            Feature(
                f"engagement_{hours}h",
                f"signed log(1 + |Σ e·exp(−λΔt)|) of the viewer's events, half-life {hours} h",
                -MOST_ENGAGED,
                MOST_ENGAGED,
            )
            for hours in HALF_LIVES_HOURS
        ),
    ),
    _engagement,
    "request",
)


def _sessions(view: View) -> Floats:
    h = view.history
    now, ended = h.session_sums, h.sums - h.session_sums
    n_ended = np.where(h.n_ended > 0, h.n_ended, np.nan)
    columns = [
        np.log1p(now[:, Summed.VIEW]),
        np.log1p(60 * h.session_hours),
        (now[:, Summed.LONG] + 2 * AVERAGE_LONG_RATE) / (now[:, Summed.VIEW] + 2),
        np.log1p(now[:, Summed.AGAINST]),
        np.log1p(h.n_ended),
        np.log1p(np.maximum(60 * ended[:, Summed.SESSION_HOURS], 0) / n_ended),
        np.log1p(ended[:, Summed.VIEW] / n_ended),
    ]
    return np.stack(columns, axis=1)


SESSIONS = FeatureGroup(
    "viewer_sessions",
    (
        Feature("session_views", "log(1 + views in the session going on)", 0, _LOG_SLOTS),
        Feature("session_minutes", "log(1 + minutes since it began)", 0, _MAX_LOG),
        Feature("session_long_rate", "share of long views in it", 0, 1, AVERAGE_LONG_RATE),
        Feature("session_negative", "log(1 + skips, hides, reports in it)", 0, _LOG_SLOTS),
        Feature("n_sessions", "log(1 + sessions that have ended)", 0, _LOG_SLOTS),
        Feature(
            "mean_session_minutes",
            "log(1 + mean length of the sessions that have ended)",
            0,
            _MAX_LOG,
            np.nan,
            may_miss=True,
        ),
        Feature(
            "mean_session_views",
            "log(1 + views per session that has ended)",
            0,
            _LOG_SLOTS,
            np.nan,
            may_miss=True,
        ),
    ),
    _sessions,
    "request",
)
