"""A share of the slots finds out: what a new content is worth, and what else a viewer likes.

What it does can be judged afterwards: every slot's chance is in the column `propensity`, and the
bits of `sources` say which slots explored. See ADR 20.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.candidates import taste
from apps.candidates.signals import past_of
from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.sources.explore import GRADUATED, owed
from apps.candidates.types import Request
from apps.core.candidates import Candidates, Rows
from apps.core.clock import DAY_MS, HOUR_MS
from apps.core.metrics import EXPLORED
from apps.features.stats import DAY, EVER, EVERYTHING, Counted
from apps.ranking.algorithms.bandits import POLICIES, Policy, bargain, chances, graduated
from apps.ranking.algorithms.slots import EXPLOIT, Arms, Floats, Ints, fill

EXPLORE = SOURCE_NAMES.index("explore")
KINDS = ("content", "topic")
KIND_BITS = (1 << 30, 1 << 29)  # of `sources`: chosen by the arms of contents, of topics
_SMOOTHING = 20.0  # views of the platform's rate in a category's
_OWED_FOR_MS = 10_000  # for which the share that is owed holds
_LEAST_HOURS = 2.0  # that what is owed is spread over
_LOW, _HIGH = 0.02, 0.98  # of a prior's mean


class Exploration(NamedTuple):
    """How much of a page explores, and how."""

    slots: int  # that are filled one by one
    content_share: float  # of the slots, to contents of the pools
    topic_share: float  # of the slots, to categories
    policy: str = "thompson"  # of `POLICIES`
    prior_views: float = 10.0  # views that the prior of a content counts as
    floor_share: float = 0.9  # of content exploration, to contents below the first pool's views
    creator_cap: int = 2  # as the page has it
    floor_fit: float = 4.0  # power of the rate expected of this viewer that they are given by
    thrift: float = 2.0  # power of what the pools' contents are worth beside the page's


@dataclass(frozen=True, slots=True)
class ExplorationSlots:
    """Gives slots to contents that few have met, and to categories, by a bandit's choice."""

    exploration: Callable[[Request], Exploration]
    name: str = "exploration_slots"

    def __call__(self, request: Request, candidates: Candidates) -> Candidates:
        """Return the same candidates with some moved up, and `propensity` float64[n].

        The same request is answered alike within an hour: chance comes from the viewer, the hour
        and what was served before.
        """
        wanted = self.exploration(request)
        policy = POLICIES[wanted.policy]()
        rng = np.random.default_rng(_seed(request))
        kinds = [
            _contents(request, candidates, wanted, policy, rng),
            _topics(request, candidates, wanted, policy, rng),
        ]
        creator = request.catalog.creator[candidates.rows]
        filled = fill(
            len(candidates), kinds, wanted.slots, rng, creator=creator, cap=wanted.creator_cap
        )
        others = np.ones(len(candidates), np.bool_)
        others[filled.picked] = False
        order = np.concatenate([filled.picked, np.flatnonzero(others)])
        propensity = np.ones(len(order))
        propensity[: len(filled.picked)] = filled.propensity
        page = candidates.take(order).with_columns(propensity=propensity)
        return _marked(page, filled.kind, n_shown=request.limit or len(filled.kind))


def prior_rate(request: Request, rows: Rows) -> Floats:
    """Return the rate of long views that is expected of each content, float64[n].

    What the viewer's taste and the crowd's views say: a content that nobody has met is known by
    what it is, and is tried by those who may like it.
    """
    return np.clip(taste.share_of(request, rows), _LOW, _HIGH)


def owed_share(request: Request) -> float:
    """Return the share of all slots by which every upload would have its views in its first day.

    What is still owed to each an hour, over the views an hour of about the last day; ≥ 0, and
    infinite where something is owed and nobody watches.
    """
    at_ms = request.query.at_ms
    return request.stats.shared(
        ("owed_share",), at_ms, lambda: _owed_share(request), for_ms=_OWED_FOR_MS
    )


def _owed_share(request: Request) -> float:
    catalog, stats, at_ms = request.catalog, request.stats, request.query.at_ms
    is_young = (catalog.uploaded_ms > at_ms - DAY_MS) & (catalog.uploaded_ms <= at_ms)
    rows = np.flatnonzero(is_young & catalog.is_servable & ~catalog.is_reach_limited)
    views = stats.by["content"].at(rows, at_ms)[:, Counted.VIEW, EVER]
    hours_left = (catalog.uploaded_ms[rows] + DAY_MS - at_ms) / HOUR_MS
    missing = np.maximum(GRADUATED[0] - views, 0)
    an_hour = float((missing / np.maximum(hours_left, _LEAST_HOURS)).sum())
    # Of a steady rate, the sum that is halved every day holds the views of 24/ln 2 hours.
    lately = float(stats.total.at(np.array([EVERYTHING]), at_ms)[0, Counted.VIEW, DAY])
    if not an_hour:
        return 0.0
    return an_hour / (lately * math.log(2) / 24) if lately else math.inf


def category_rates(request: Request) -> Floats:
    """Return the share of long views of each category, and last of everything, float64[m + 1]."""
    return request.stats.shared(("category_rates",), request.query.at_ms, lambda: _rates(request))


def _rates(request: Request) -> Floats:
    stats, at_ms = request.stats, request.query.at_ms
    everything = stats.total.at(np.array([0]), at_ms)[0, :, EVER]
    platform = (everything[Counted.LONG_VIEW] + 0.3) / (everything[Counted.VIEW] + 1)
    counters = stats.by["category"]
    n = len(request.catalog.categories)
    views = counters.all_at(Counted.VIEW, EVER, at_ms)[:n]
    long_views = counters.all_at(Counted.LONG_VIEW, EVER, at_ms)[:n]
    rates = (long_views + _SMOOTHING * platform) / (views + _SMOOTHING)
    return np.append(rates, platform)


def _contents(
    request: Request,
    candidates: Candidates,
    wanted: Exploration,
    policy: Policy,
    rng: np.random.Generator,
) -> Arms:
    """Return one arm for each content that was drawn from the pools."""
    is_arm = (candidates["sources"] >> EXPLORE) & 1 == 1
    arm_of = np.where(is_arm, np.cumsum(is_arm) - 1, -1)
    if not is_arm.any() or not wanted.content_share:
        return Arms(0.0, arm_of, lambda arms: np.empty(0))
    rows = candidates.rows[is_arm]
    counted = request.stats.by["content"].at(rows, request.query.at_ms)[:, :, EVER]
    views, long_views = counted[:, Counted.VIEW], counted[:, Counted.LONG_VIEW]
    rate, is_owed = prior_rate(request, rows), owed(request, rows, views)
    fit = rate**wanted.floor_fit

    @cache
    def values() -> Floats:  # drawn when they are asked for: most pages play no arm
        alpha = wanted.prior_views * rate + long_views
        beta = wanted.prior_views * (1 - rate) + np.maximum(views - long_views, 0)
        return policy.values(alpha, beta, rng)

    def of_arms(arms: Ints) -> Floats:
        played = chances(values()[arms], policy.floor)
        weight = _first(fit[arms], is_owed[arms])
        return graduated(played, views[arms], weight, least=GRADUATED[0], share=wanted.floor_share)

    instead = prior_rate(request, candidates.rows[: wanted.slots])
    cheap = bargain(rate, _first(fit, is_owed), instead, thrift=wanted.thrift)
    return Arms(wanted.content_share * cheap, arm_of, of_arms)


def _first(fit: Floats, is_owed: NDArray[np.bool_]) -> Floats:
    """Return the weights of those to whom views are owed, or of all where there is none."""
    return fit * is_owed if is_owed.any() else fit


def _topics(
    request: Request,
    candidates: Candidates,
    wanted: Exploration,
    policy: Policy,
    rng: np.random.Generator,
) -> Arms:
    """Return one arm for each category, with what this viewer made of it."""
    category = request.catalog.category[candidates.rows]
    if not wanted.topic_share:
        return Arms(0.0, category, lambda arms: np.empty(0))
    rate = np.clip(category_rates(request)[:-1], _LOW, _HIGH)
    log, _, is_view, is_long = past_of(request).said
    about = request.catalog.category[log.content]
    views = _counted(about[is_view], len(rate))
    long_views = _counted(about[is_long], len(rate))
    alpha = wanted.prior_views * rate + long_views
    beta = wanted.prior_views * (1 - rate) + views - long_views
    there = np.unique(category[category >= 0])
    arm_of = np.where(category >= 0, np.searchsorted(there, category), -1)
    values = policy.values(alpha[there], beta[there], rng)
    return Arms(wanted.topic_share, arm_of, lambda arms: chances(values[arms], policy.floor))


def _seed(request: Request) -> tuple[int, ...]:
    hour = request.query.at_ms // HOUR_MS
    return request.query.viewer, hour, request.position, len(request.served)


def _counted(categories: Ints, n: int) -> Floats:
    return np.bincount(categories[categories >= 0], minlength=n).astype(np.float64)


def _marked(page: Candidates, kind: NDArray[np.int8], *, n_shown: int) -> Candidates:
    """Return the page with the bits of the kinds; who explores a content says so."""
    sources, main = page["sources"].copy(), page["main_source"].copy()
    at = np.flatnonzero(kind != EXPLOIT)
    sources[at] |= np.array(KIND_BITS, np.uint32)[kind[at]]
    main[np.flatnonzero(kind == KINDS.index("content"))] = EXPLORE
    for i, name in enumerate(KINDS):
        if n := int(np.count_nonzero(kind[:n_shown] == i)):
            EXPLORED.labels(name).inc(n)
    return page.with_columns(sources=sources, main_source=main)
