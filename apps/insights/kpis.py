"""Every KPI, once: its name, what it means, its unit, and its formula over a day's totals.

To add one is to add it here; where it needs a new total, `apps/insights/totals.py` gives it.
"""

from __future__ import annotations

from apps.events.types import CLICK_SECONDS
from apps.insights.conf import NEW_CREATOR_DAYS
from apps.insights.formulas import Kpi, engagements, ratio, total
from apps.insights.totals import OF_EXPERIMENTS, OF_NOVELTY

_MINUTE = 1 / 60_000
# A variant is met in the middle of a cohort's days, so that who of it came again says little.
_VARIANTS = (OF_EXPERIMENTS,)


def _retention(n: int, *, new: bool = False) -> Kpi:
    whose = "viewers whose first day it was" if new else "viewers active on the day"
    prefix, label = ("new_retention", "New-viewer retention") if new else ("retention", "Retention")
    part, whole = (f"new_returned_{n}", "new") if new else (f"returned_{n}", "active")
    return Kpi(
        f"{prefix}_{n}",
        f"{label}, day {n}",
        "%",
        f"Share of the {whose} who were active {n} days later as well.",
        ratio(part, whole),
        "Retention",
        bad="down",
        unknown_of=_VARIANTS,
        waits_days=n,
    )


_ALL: tuple[Kpi, ...] = (
    Kpi(
        "dau",
        "Daily active viewers",
        "viewers",
        "Different viewers with any event but an upload; bots and what creators do to their own "
        "contents are left out.",
        total("viewers"),
        "Audience",
        "down",
    ),
    Kpi(
        "wau",
        "Weekly active viewers",
        "viewers",
        "Different viewers active in the seven days up to this one.",
        total("weekly"),
        "Audience",
        "down",
        unknown_of=_VARIANTS,
    ),
    Kpi(
        "mau",
        "Monthly active viewers",
        "viewers",
        "Different viewers active in the thirty days up to this one.",
        total("monthly"),
        "Audience",
        "down",
        unknown_of=_VARIANTS,
    ),
    Kpi(
        "stickiness",
        "Stickiness",
        "%",
        "Daily divided by monthly active viewers.",
        ratio("active", "monthly"),
        "Audience",
        "down",
        unknown_of=(*_VARIANTS, OF_NOVELTY),
    ),
    Kpi(
        "new_viewers",
        "New viewers",
        "viewers",
        "Viewers whose first active day it is.",
        total("new"),
        "Audience",
        unknown_of=_VARIANTS,
    ),
    _retention(1),
    _retention(7),
    _retention(30),
    _retention(1, new=True),
    _retention(7, new=True),
    _retention(30, new=True),
    Kpi(
        "time_per_viewer",
        "Time per viewer",
        "min",
        "Sum of the day's session durations divided by its active viewers. A session is the union "
        "of its events and views: two devices at once count once, and a single view counts as long "
        "as it was watched.",
        ratio("session_seconds", "viewers", 1 / 60),
        "Time",
        "down",
    ),
    Kpi(
        "watch_per_viewer",
        "Watched per viewer",
        "min",
        "Watch time of all views divided by active viewers.",
        ratio("watch_ms", "viewers", _MINUTE),
        "Time",
        "down",
    ),
    Kpi(
        "sessions",
        "Sessions",
        "sessions",
        "Sessions that began on the day; 30 minutes of pause end one.",
        total("sessions"),
        "Time",
    ),
    Kpi(
        "session_hours",
        "Time in sessions",
        "h",
        "Sum of the durations of the sessions that began on the day.",
        ratio("session_seconds", "one", 1 / 3600),
        "Time",
    ),
    Kpi(
        "session_mean",
        "Session, mean",
        "min",
        "Sum of session durations divided by sessions.",
        ratio("session_seconds", "sessions", 1 / 60),
        "Time",
        "down",
    ),
    Kpi(
        "session_median",
        "Session, median",
        "min",
        "Half of the sessions were longer.",
        ratio("session_median", "has_sessions", 1 / 60),
        "Time",
        "down",
    ),
    Kpi(
        "session_p90",
        "Session, 90th percentile",
        "min",
        "One in ten sessions was longer.",
        ratio("session_p90", "has_sessions", 1 / 60),
        "Time",
    ),
    Kpi(
        "views_per_viewer",
        "Views per viewer",
        "views",
        "Views divided by active viewers.",
        ratio("views", "viewers"),
        "Time",
    ),
    Kpi(
        "ctr",
        "Click-through rate",
        "%",
        "Clicks divided by impressions. The feed plays by itself, so every view is an impression "
        f"and a view of {CLICK_SECONDS:g} seconds or more is a click.",
        ratio("clicks", "views"),
        "Engagement",
        "down",
    ),
    Kpi(
        "long_view_rate",
        "Long-view rate",
        "%",
        "Views that reached the end or 18 seconds, divided by views.",
        ratio("long_views", "views"),
        "Engagement",
        "down",
    ),
    Kpi(
        "completion_rate",
        "Completion rate",
        "%",
        "Views that reached 97 % of the length, divided by views.",
        ratio("completes", "views"),
        "Engagement",
        "down",
    ),
    Kpi(
        "engagement_rate",
        "Engagement rate",
        "%",
        "Likes, comments, shares, saves and follows divided by views; can exceed 100 %.",
        engagements,
        "Engagement",
        "down",
    ),
    Kpi(
        "skip_rate",
        "Skip rate",
        "%",
        "Skips divided by views.",
        ratio("skips", "views"),
        "Engagement",
        "up",
    ),
    Kpi(
        "hide_rate",
        "Hide rate",
        "per 1,000",
        "Hides per thousand views.",
        ratio("hides", "views", 1000),
        "Engagement",
        "up",
    ),
    Kpi(
        "report_rate",
        "Report rate",
        "per 1,000",
        "Reports per thousand views.",
        ratio("reports", "views", 1000),
        "Engagement",
        "up",
    ),
    Kpi(
        "coverage",
        "Catalogue coverage",
        "%",
        "Contents viewed at least once, of those that were out by the end of the day.",
        ratio("contents_viewed", "contents_out"),
        "Catalogue",
        "down",
        by_segment=False,
    ),
    Kpi(
        "creator_gini",
        "Gini of creators",
        "",
        "How unevenly views are spread over creators: 0 is even, 1 is one creator only.",
        total("creator_gini"),
        "Catalogue",
        "up",
        by_segment=False,
    ),
    Kpi(
        "freshness",
        "Age of what is watched",
        "h",
        "Mean time from the upload of a content to a view of it; lower is fresher.",
        ratio("age_hours", "content_views"),
        "Catalogue",
        "up",
        by_segment=False,
    ),
    Kpi(
        "new_creator_share",
        "New creators' share",
        "%",
        "Share of views of contents by creators whose first upload is at most "
        f"{NEW_CREATOR_DAYS} days old.",
        ratio("new_creator_views", "content_views"),
        "Catalogue",
        "down",
        by_segment=False,
    ),
    Kpi(
        "night_share",
        "Night share",
        "%",
        "Share of watch time in views begun between 23:00 and 05:00 by the viewer's clock.",
        ratio("night_ms", "watch_ms"),
        "Well-being",
        "up",
    ),
    Kpi(
        "minors_night",
        "Minors at night",
        "min",
        "Watch time between 23:00 and 05:00 local per active viewer under 18.",
        ratio("minors_night_ms", "minors", _MINUTE),
        "Well-being",
        "up",
    ),
    Kpi(
        "over_use",
        "Over-use",
        "%",
        "Share of active viewers who watched more than two hours.",
        ratio("over_users", "viewers"),
        "Well-being",
        "up",
    ),
)
KPIS: dict[str, Kpi] = {kpi.name: kpi for kpi in _ALL}
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(kpi.group for kpi in _ALL))
