"""Look at how a page comes about, step by step; nothing is logged, counted or changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import numpy as np

from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.types import Request
from apps.core.candidates import Candidates
from apps.core.params import Overrides
from apps.core.pipeline import Traced
from apps.events import conf as events_conf
from apps.feed.checks import Slot, check_now
from apps.feed.cursors import Cursor
from apps.feed.dials import params_of, under
from apps.feed.hydration import hydrate
from apps.feed.items import terms_of
from apps.feed.modes import mode_of
from apps.feed.types import FeedQuery
from apps.profiles import selectors as profiles
from apps.profiles.types import Profile
from apps.ranking.editorial import SLOT_SOURCES


@dataclass(frozen=True, slots=True)
class TracedSlot:
    """One content of the page."""

    known: Slot  # as the database has it
    score: float
    source: str
    terms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Trace:
    """One page as it would be served now, and all that led to it."""

    request: Request
    steps: Traced
    shown: Candidates
    slots: list[TracedSlot]
    n_eligible: int  # contents that may be shown to this viewer at all


def trace(user_id: str, overrides: Overrides, *, now_ms: int) -> Trace:
    """Return the page of a viewer under some parameters; of one never heard of, a stranger's."""
    profile = profiles.profile(user_id, at_ms=now_ms + events_conf.MAX_AHEAD_MS)
    return trace_of(profile, overrides, now_ms=now_ms)


def trace_of(profile: Profile, overrides: Overrides, *, now_ms: int) -> Trace:
    """Return the page of the viewer of a profile."""
    cursor = Cursor(uuid.uuid4(), now_ms, 0)
    request = under(hydrate(FeedQuery(""), profile, cursor, now_ms), overrides)
    excluded = request.excluded()
    steps = mode_of(request).pipeline.trace(request, excluded)
    params = params_of(request)
    candidates = steps.ordered.take(slice(params.default_limit + params.reserve))
    by_row, checked = check_now(candidates, request)
    shown = checked.take(slice(params.default_limit))
    terms = terms_of(request, shown)
    slots = [
        TracedSlot(
            known=by_row[row],
            score=float(shown["score"][i]),
            source=SLOT_SOURCES[shown["main_source"][i]],
            terms=terms[i] or {},
        )
        for i, row in enumerate(shown.rows.tolist())
    ]
    return Trace(request, steps, shown, slots, int(np.count_nonzero(~excluded)))


@dataclass(frozen=True, slots=True)
class SourceView:
    """What one source said in a trace."""

    name: str
    quota: int  # how many it may propose; 0: it was not asked
    n_proposed: int
    best: list[tuple[int, float]]  # catalog rows it proposed with its highest scores


def source_views(found: Trace, *, best: int = 5) -> list[SourceView]:
    """Return each source with what it proposed, in their order."""
    proposed = found.steps.proposed
    views = []
    for i, source in enumerate(mode_of(found.request).pipeline.sources):
        is_its = (proposed["sources"] >> np.uint32(i)) & 1 == 1
        scores = np.where(is_its, proposed[f"score.{source.name}"], -np.inf)
        order = np.argsort(-np.nan_to_num(scores, nan=-1e30), kind="stable")
        top = [(int(proposed.rows[j]), float(scores[j])) for j in order[:best] if is_its[j]]
        quota = source.quota(found.request)
        views.append(SourceView(source.name, quota, int(is_its.sum()), top))
    return views


@dataclass(frozen=True, slots=True)
class Fate:
    """How far one content came in one viewer's page."""

    step: str  # unknown, filtered, not proposed, not ranked, not shown, shown
    reason: str
    sources: dict[str, float]  # what each source thinks of it, those with an opinion
    place: int | None  # by score, 1 is the best


STEPS = ("eligible", "candidate", "ranked", "shown")


def step_of(found: Trace, row: int) -> str:
    """Return the last of `STEPS` that one content (catalog row) reached, empty if none."""
    steps = found.steps
    for name, rows in (
        ("shown", found.shown.rows),
        ("ranked", steps.scored.rows),
        ("candidate", steps.proposed.rows),
    ):
        if row in rows:
            return name
    alone = Candidates(np.array([row], np.int64), {})
    filters = mode_of(found.request).pipeline.filters
    return "eligible" if all(stage(found.request, alone)[0] for stage in filters) else ""


def fate(found: Trace, row: int) -> Fate:
    """Say where one content (catalog row) was lost, and why."""
    steps = found.steps
    thinks = _opinions(found.request, row)
    alone = Candidates(np.array([row], np.int64), {})
    filters = mode_of(found.request).pipeline.filters
    stopped = [stage.name for stage in filters if not stage(found.request, alone)[0]]
    if stopped:
        return Fate("not eligible", f"removed by {', '.join(stopped)}", thinks, None)
    if row not in steps.proposed.rows:
        return Fate("eligible", "no source has it among the best that it may propose", thinks, None)
    order = np.argsort(-steps.scored["score"], kind="stable")
    at = np.flatnonzero(steps.scored.rows[order] == row)
    if not len(at):
        return Fate("candidate", "it did not reach the ranker", thinks, None)
    place = int(at[0]) + 1
    if row in found.shown.rows:
        slot = int(np.flatnonzero(found.shown.rows == row)[0]) + 1
        return Fate("shown", f"in place {slot} of the page", thinks, place)
    ordered = np.flatnonzero(steps.ordered.rows == row)
    reason = f"place {place} by score"
    if len(ordered):
        reason += f", {int(ordered[0]) + 1} after re-ranking"
    return Fate("ranked", f"{reason}; the page has {len(found.shown)}", thinks, place)


def _opinions(request: Request, row: int) -> dict[str, float]:
    said = {}
    for source in mode_of(request).pipeline.sources:
        scores = source(request) if source.quota(request) else None
        value = float(scores.at(np.array([row], np.int64))[0]) if scores is not None else np.nan
        if np.isfinite(value):
            said[source.name] = value
    return {name: said[name] for name in SOURCE_NAMES if name in said}
