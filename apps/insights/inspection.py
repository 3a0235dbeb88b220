"""What the inspectors show of one viewer and of one content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from apps.content import selectors as content
from apps.content.models import Content
from apps.core.clock import now_ms, to_datetime
from apps.core.params import Overrides, checked, parsed
from apps.events.models import Event
from apps.events.types import EventType
from apps.experiments import selectors as experiments
from apps.feed.tracing import STEPS, Fate, SourceView, Trace, fate, source_views, trace
from apps.insights.days import to_date
from apps.insights.models import ViewerDay
from apps.profiles.models import Viewer
from apps.profiles.pseudonyms import pseudonym

_EVENTS = 50
_DAYS = 28


@dataclass(frozen=True, slots=True)
class PastEvent:
    """One event of the viewer."""

    at: datetime
    kind: str
    content_id: str
    watch_seconds: float | None


@dataclass(frozen=True, slots=True)
class Feed:
    """One page that the viewer would get now."""

    title: str
    trace: Trace
    sources: list[tuple[SourceView, list[tuple[str, float]]]]
    removed: list[tuple[str, int]]


def overrides_of(text: str) -> Overrides:
    """Return the parameters that a person has typed; raise `ParameterError` for the first bad."""
    return Overrides(checked(parsed(text)))


def viewer_facts(user_id: str) -> dict[str, Any]:
    """Return what is known of a viewer; nothing but the pseudonym of one never heard of."""
    key = pseudonym(user_id)
    viewer = Viewer.objects.filter(pseudonym=key).first()
    facts: dict[str, Any] = {
        "pseudonym": key,
        "viewer": viewer,
        "assignments": experiments.assignments(key).experiments,
    }
    if viewer is not None:
        facts |= {"events": _events(viewer.pk), "days": _viewer_days(viewer.pk)}
    return facts


def feed_of(user_id: str, overrides: Overrides, title: str) -> Feed:
    """Return the page that the viewer would get now; nothing is stored."""
    found = trace(user_id, overrides, now_ms=now_ms())
    views = source_views(found)
    names = _ids([row for view in views for row, _ in view.best])
    return Feed(
        title=title,
        trace=found,
        sources=[
            (view, [(names.get(row, "?"), score) for row, score in view.best]) for view in views
        ],
        removed=[(name, len(rows)) for name, rows in found.steps.removed.items() if len(rows)],
    )


@dataclass(frozen=True, slots=True)
class Funnel:
    """How far one content comes in one viewer's page."""

    fate: Fate
    steps: list[tuple[str, int, bool]]  # name, contents there, whether this one is among them
    n_views: int  # of this content by this viewer, ever


def funnel(user_id: str, content_pk: int) -> Funnel | None:
    """Return how far a content comes when the viewer asks now; None until it is in memory."""
    found = trace(user_id, Overrides(), now_ms=now_ms())
    row = int(found.request.catalog.rows_of(np.array([content_pk], np.int64))[0])
    if row < 0:
        return None
    said = fate(found, row)
    counts = {
        "eligible": found.n_eligible,
        "candidate": len(found.steps.proposed),
        "ranked": len(found.steps.scored),
        "shown": len(found.shown),
    }
    reached = STEPS.index(said.step) if said.step in STEPS else -1
    steps = [(n, counts[n], i <= reached) for i, n in enumerate(STEPS)]
    met = Event.objects.filter(viewer_id=found.request.query.viewer, content_id=content_pk)
    n_views = met.filter(kind=EventType.VIEW).count()
    return Funnel(said, steps, n_views)


def _events(viewer: int) -> list[PastEvent]:
    found = Event.objects.filter(viewer_id=viewer).order_by("-occurred_ms", "-id")
    rows = found.values_list("occurred_ms", "kind", "content__content_id", "watch_seconds")
    return [
        PastEvent(to_datetime(at), EventType(kind).name.lower(), name or "", seconds)
        for at, kind, name, seconds in rows[:_EVENTS]
    ]


def _viewer_days(viewer: int) -> list[tuple[Any, int, int, float]]:
    """Return date, views, likes and minutes watched of the last active days."""
    found = ViewerDay.objects.filter(viewer_id=viewer).order_by("-day")
    rows = found.values_list("day", "views", "likes", "watch_ms")[:_DAYS]
    return [(to_date(day), views, likes, ms / 60_000) for day, views, likes, ms in rows]


def _ids(rows: list[int]) -> dict[int, str]:
    catalog = content.catalog()
    pk_of = {row: int(catalog.content_pk[row]) for row in set(rows)}
    found = Content.objects.filter(pk__in=pk_of.values()).values_list("pk", "content_id")
    names = dict(found)
    return {row: names[pk] for row, pk in pk_of.items() if pk in names}
