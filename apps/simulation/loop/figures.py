"""What a policy made of its viewers, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from apps.simulation.arrays import Bools, Floats, Ints
from apps.simulation.impressions import Impressions
from apps.simulation.loop.run import Outcome
from apps.simulation.loop.scenario import Scenario
from apps.simulation.types import DAY_MS

EVENTS = (10, 20, 30, 50)  # of a viewer, at which the share of true topics is read
_RECENT = 10  # contents of which that share is
_ENOUGH_IMPRESSIONS = 30  # of an upload in its first 24 hours


def figures(scenario: Scenario, outcome: Outcome) -> dict[str, Any]:
    """Return the figures of one run; shares are 0–1, None where there is nothing to count."""
    shown, params = outcome.shown, scenario.params
    day = (shown.shown_ms - scenario.before.params.start_ms) // DAY_MS
    there = scenario.joins_on[:, None] <= np.arange(params.n_days)
    minutes = minutes_by_viewer(scenario, outcome)
    fits = _fits(scenario, shown, day)
    flipped = scenario.is_flipped[shown.viewer]
    settled = (scenario.joins_on > 0)[shown.viewer]  # joined when something had been learned
    flips_on = scenario.flip_day
    per_day = np.bincount(day, shown.watch_seconds, minlength=params.n_days)[: params.n_days] / 60
    return {
        "minutes_per_viewer_day": float(minutes.sum() / there.sum()),
        "d1": _retention(scenario, outcome.was_there, 1),
        "d7": _retention(scenario, outcome.was_there, 7),
        "topic_share_by_event": _by_event(shown, fits, settled & (~flipped | (day < flips_on))),
        "topic_share_by_event_since_launch": _by_event(
            shown, fits, ~settled & (~flipped | (day < flips_on))
        ),
        "topic_share_before_flip": _mean(fits[flipped & (day == flips_on - 1)]),
        "topic_share_after_flip": _by_event(
            shown, fits, flipped & (day >= flips_on) & (scenario.joins_on < flips_on)[shown.viewer]
        ),
        "creator_gini": gini(_per_creator(scenario, shown.content)),
        "topics_per_ten": _topics_per_ten(scenario, shown),
        "uploads_seen": _uploads_seen(scenario, shown),
        "biased_exposure": _biased_exposure(scenario, shown),
        "minutes_by_day": (per_day / np.maximum(there.sum(axis=0), 1)).tolist(),
        "dau": outcome.was_there.sum(axis=0).tolist(),
        "impressions": len(shown.content),
        "events": outcome.n_sent,
        "repeated": outcome.n_repeated,
        "accepted": outcome.n_accepted,
        "duplicates": outcome.n_duplicates,
    }


def minutes_by_viewer(scenario: Scenario, outcome: Outcome) -> Floats:
    """Return the minutes that each viewer watched, float64[v]."""
    shown = outcome.shown
    return np.bincount(shown.viewer, shown.watch_seconds, minlength=scenario.params.n_viewers) / 60


def gini(counts: Floats) -> float:
    """Gini coefficient of non-negative counts, 0 equal … 1 all to one; 0 where all are 0."""
    ascending = np.sort(counts)
    total = ascending.sum()
    if not total:
        return 0.0
    ranks = np.arange(1, len(counts) + 1)
    return float(
        2 * (ranks * ascending).sum() / (len(counts) * total) - (len(counts) + 1) / len(counts)
    )


def _fits(scenario: Scenario, shown: Impressions, day: Ints) -> Bools:
    """Say which contents shown were about a topic that their viewer liked then, bool[n]."""
    category = scenario.before.contents.category[shown.content]
    now = scenario.before.viewers.taste[shown.viewer, category] > 0
    later = scenario.after.viewers.taste[shown.viewer, category] > 0
    return np.where(day < scenario.flip_day, now, later)


def _retention(scenario: Scenario, was_there: Bools, days: int) -> float | None:
    """Share of viewers who open the app so many days after the day they joined."""
    viewer = np.flatnonzero(scenario.joins_on + days < was_there.shape[1])
    return _mean(was_there[viewer, scenario.joins_on[viewer] + days])


def _by_event(shown: Impressions, fits: Bools, counts: Bools) -> dict[str, float | None]:
    """Share of fitting contents among the ten that end with the viewer's nth that counts.

    A mean over the viewers who came so far.
    """
    shares: dict[str, list[float]] = {str(n): [] for n in EVENTS}
    for viewer in np.unique(shown.viewer[counts]):
        index = np.flatnonzero(counts & (shown.viewer == viewer))
        index = index[np.argsort(shown.shown_ms[index], kind="stable")]
        for n in EVENTS:
            if len(index) >= n:
                shares[str(n)].append(float(fits[index[n - _RECENT : n]].mean()))
    return {n: _mean(values) for n, values in shares.items()}


def _per_creator(scenario: Scenario, content: Ints) -> Floats:
    """Count what was shown of each creator who has a content, float64[c]."""
    contents, n = scenario.before.contents, scenario.before.params.n_creators
    has_content = np.bincount(contents.creator, minlength=n) > 0
    counts = np.bincount(contents.creator[content], minlength=n).astype(np.float64)
    return np.asarray(counts[has_content])


def _topics_per_ten(scenario: Scenario, shown: Impressions) -> float | None:
    """Mean number of different topics among ten contents that follow in one session."""
    order = np.lexsort((shown.shown_ms, shown.session, shown.viewer))
    session = np.stack([shown.viewer[order], shown.session[order]], axis=1)
    category = scenario.before.contents.category[shown.content[order]]
    _, start, length = np.unique(session, axis=0, return_index=True, return_counts=True)
    runs = [
        category[at : at + 10]
        for first, n in zip(start.tolist(), length.tolist(), strict=True)
        for at in range(first, first + n - 9, 10)
    ]
    return _mean([len(np.unique(run)) for run in runs])


def _uploads_seen(scenario: Scenario, shown: Impressions) -> float | None:
    """Share of uploads, a day or more before the end, with 30 impressions within 24 hours."""
    uploaded, end_ms = scenario.before.contents.uploaded_ms, scenario.before.params.end_ms
    born = scenario.born()
    born = born[uploaded[born] <= end_ms - DAY_MS]
    is_early = shown.shown_ms < uploaded[shown.content] + DAY_MS
    counts = np.bincount(shown.content[is_early], minlength=len(uploaded))
    return _mean(counts[born] >= _ENOUGH_IMPRESSIONS)


def _biased_exposure(scenario: Scenario, shown: Impressions) -> float | None:
    """Share of impressions of the disliked creators over their share of contents; 1 is even."""
    biased = scenario.is_biased[scenario.before.contents.creator]
    if not biased.any() or not len(shown.content):
        return None
    return float(biased[shown.content].mean() / biased.mean())


def _mean(values: Bools | Floats | Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None
