"""How far one content comes with all viewers: slots and views by day, and the pages of a sample."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.clock import DAY_MS, now_ms
from apps.core.params import Overrides
from apps.events import selectors as events
from apps.events import slates
from apps.events.types import EventLog, ShownContent
from apps.feed.tracing import STEPS, step_of, trace_of
from apps.insights.counting import Ints, measures
from apps.insights.days import day_of, days_of, start_ms, to_date
from apps.insights.models import ContentDay
from apps.profiles import selectors as profiles

DAYS = 28
MOST_SLATES = 50_000  # that are looked through, the latest
SAMPLE = 25  # viewers
SECONDS = 2.0  # after which no further viewer of the sample is asked for


@dataclass(frozen=True, slots=True)
class FunnelDay:
    """One day of a content: the slots that our feed showed it in, and all that was watched."""

    day: date
    shown: int  # slots
    watched: int  # of them, those whose viewer watched it within a day
    long_views: int  # of them, by the longest of those views
    completed: int
    views: int  # of any viewer, wherever they came from
    minutes: float  # of those views


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a content comes in the pages that the latest active viewers would get now."""

    steps: list[tuple[str, int]]  # name, viewers with whom it came at least so far
    sample: int  # viewers who were asked for


@dataclass(frozen=True, slots=True)
class ContentFunnel:
    """All of it."""

    days: list[FunnelDay]  # the latest first, those with anything
    n_slates: int  # that were looked through
    is_cut: bool  # there are more slates in these days


def content_funnel(content_pk: int) -> ContentFunnel:
    """Return the last `DAYS` days of one content, of the latest `MOST_SLATES` slates."""
    last = day_of(now_ms())
    since_ms = start_ms(last - DAYS + 1)
    shown = slates.shown_content(content_pk, since_ms=since_ms, most=MOST_SLATES)
    catalog = content.current_catalog()
    log = events.views_of(content_pk, np.unique(shown.viewer), catalog, after_ms=since_ms)
    reached = _reached(shown, log, catalog)
    days_asked = range(last - DAYS + 1, last + 1)  # each by its key, as the index has the day first
    found = ContentDay.objects.filter(content_id=content_pk, day__in=days_asked)
    viewed = {day: rest for day, *rest in found.values_list("day", "views", "watch_ms")}
    day_shown = days_of(shown.at_ms)
    days = []
    for day in sorted({*viewed, *day_shown.tolist()}, reverse=True):
        slots, watched, long_views, completed = reached[:, day_shown == day].sum(axis=1).tolist()
        views, watch_ms = viewed.get(day, (0, 0))
        minutes = watch_ms / 60_000
        days.append(FunnelDay(to_date(day), slots, watched, long_views, completed, views, minutes))
    return ContentFunnel(days, shown.n_slates, shown.n_slates == MOST_SLATES)


def _reached(shown: ShownContent, log: EventLog, catalog: Catalog) -> NDArray[np.bool_]:
    """Return bool[4, n]: slots that were shown, watched, watched long, and watched to the end."""
    did = measures(log, catalog)
    found = np.zeros((4, len(shown.at_ms)), np.bool_)
    found[0] = True
    for i, name in enumerate(("views", "long_views", "completes"), start=1):
        is_such = did[name] > 0
        found[i] = _followed(shown, log.viewer[is_such], log.at_ms[is_such])
    return found


def _followed(shown: ShownContent, viewer: Ints, at_ms: Ints) -> NDArray[np.bool_]:
    """Return bool[n]: slots after which their viewer has one of these events within a day."""
    order = np.lexsort((at_ms, viewer))
    viewer, at_ms = viewer[order], at_ms[order]
    found = np.zeros(len(shown.at_ms), np.bool_)
    for i, (who, since) in enumerate(zip(shown.viewer.tolist(), shown.at_ms.tolist(), strict=True)):
        first, end = np.searchsorted(viewer, [who, who + 1])
        at = first + np.searchsorted(at_ms[first:end], since)
        found[i] = at < end and at_ms[at] < since + DAY_MS
    return found


def reach(content_pk: int) -> Reach | None:
    """Ask for the pages of the latest active viewers; None until the content is in memory.

    At most `SAMPLE` viewers, and none begun after `SECONDS`: each costs a feed without its answer.
    """
    moment, until = now_ms(), time.monotonic() + SECONDS
    since_ms = start_ms(day_of(moment) - DAYS + 1)
    viewers = events.active_viewers(since_ms=since_ms, until_ms=moment, most=SAMPLE).sample
    reached: list[int] = []
    for viewer in viewers.tolist():
        if time.monotonic() > until:
            break
        profile = profiles.profile_of_key(viewer, at_ms=moment)
        found = trace_of(profile, Overrides(), now_ms=moment)
        row = int(found.request.catalog.rows_of(np.array([content_pk], np.int64))[0])
        if row < 0:
            return None
        step = step_of(found, row)
        reached.append(STEPS.index(step) if step else -1)
    steps = [(name, sum(at >= i for at in reached)) for i, name in enumerate(STEPS)]
    return Reach(steps, len(reached))
