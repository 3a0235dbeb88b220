"""The feed's dials as one request has them: the models that answer it, and its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from apps.candidates.types import Request
from apps.core.params import Overrides
from apps.feed.conf import PARAMS, FeedParams
from apps.learning.bundle import Bundle
from apps.learning.rollout import served
from apps.ranking.cold_start import newness
from apps.ranking.diversify import Diversity
from apps.ranking.exploration import Exploration, owed_share
from apps.ranking.exposure import Guarantee
from apps.ranking.rankers import Rankers
from apps.ranking.scorers import Depth


def bundle_of(request: Request) -> Bundle | None:
    """Return the bundle that answers the whole request, None before the first training."""
    return request.shared("bundle", lambda request: served.serving(params_of(request).bundle))


def rankers_of(request: Request) -> Rankers | None:
    """Return the rankers of that bundle."""
    chosen = bundle_of(request)
    return chosen.rankers if chosen else None


def under(request: Request, overrides: Overrides) -> Request:
    """Return the request as its experiments want it, with the models of the bundle they name."""
    request = request.under(overrides)
    chosen = bundle_of(request)
    return replace(request, models=chosen.retrieval if chosen else None)


def params_of(request: Request) -> FeedParams:
    """Return the parameters of the feed as the request's experiments have them."""
    return request.overrides.view("feed", PARAMS)


def slots_of(request: Request, at_least: int = 0) -> int:
    """Return how many slots are filled one by one: the page and its reserve."""
    params = params_of(request)
    return max(request.limit or params.default_limit, at_least) + params.reserve


def trend_beta_of(request: Request) -> float:
    """Return how much a trend lifts a score."""
    return params_of(request).trend_beta


def cold_views_of(request: Request) -> float:
    """Return after how many views a viewer is no newcomer."""
    return params_of(request).cold_views


def cold_chosen_of(request: Request) -> float:
    """Return what being of a chosen category is worth to a newcomer."""
    return params_of(request).cold_chosen


def depth_of(request: Request, at_least: int = 0, *, explores: bool) -> Depth:
    """Return how many candidates each step of the cascade ranks."""
    params = params_of(request)
    return Depth(
        max(params.ranked, at_least),
        max(params.refined, at_least),
        explores=explores and params.explore_share > 0,
    )


def ask_slots_of(request: Request) -> int:
    """Return how many slots ask together what the viewer likes."""
    return min(slots_of(request), params_of(request).ask_slots)


def diversity_of(request: Request, at_least: int = 0) -> Diversity:
    """Return how the page is mixed."""
    params = params_of(request)
    new = newness(request, params.cold_views)
    return Diversity(
        slots=slots_of(request, at_least),
        theta=_mixed(new, lambda: params.cold_theta, params.theta),
        pool=params.diversity_pool,
        window=params.diversity_window,
        creator_cap=params.creator_cap,
        creator_decay=params.creator_decay,
        sound_cap=params.sound_cap,
        tag_cap=params.tag_cap,
    )


def guarantee_of(request: Request, at_least: int = 0) -> Guarantee:
    """Return what share of the page new and small creators are sure of."""
    params = params_of(request)
    return Guarantee(
        slots=slots_of(request, at_least) - params.reserve,
        pool=params.diversity_pool,
        new=params.exposure_new,
        small=params.exposure_small,
        quantile=params.exposure_quantile,
        tolerance=params.exposure_tolerance,
        creator_cap=params.creator_cap,
    )


def exploration_of(request: Request) -> Exploration:
    """Return which share of the page explores, and how."""
    params = params_of(request)
    new = newness(request, params.cold_views)
    return Exploration(
        slots=slots_of(request),
        content_share=(1 - new) * _content_share(request, params),
        topic_share=_mixed(new, lambda: params.cold_topic_share, params.topic_share),
        policy=params.explore_policy,
        prior_views=params.explore_prior,
        floor_share=params.explore_floor,
        floor_fit=params.explore_fit,
        thrift=params.explore_thrift,
        creator_cap=params.creator_cap,
    )


def _content_share(request: Request, params: FeedParams) -> float:
    """Return the share of content exploration: more while uploads are owed more than it gives."""
    if not params.explore_share:
        return 0.0
    return max(params.explore_share, min(owed_share(request), params.explore_most))


def _mixed(new: float, cold: Callable[[], float], known: float) -> float:
    """Return the value between that of a new viewer, read only for one, and that of others."""
    return known + (cold() - known) * new if new else known
