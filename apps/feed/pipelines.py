"""The pipelines of feeds: their stages in order. These lists are what the product does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from apps.candidates.rules import active_rules
from apps.candidates.sources import SOURCES
from apps.candidates.sources.base import Asked
from apps.candidates.types import Request
from apps.core.pipeline import Filter, Pipeline
from apps.feed import dials, filters
from apps.ranking import editorial
from apps.ranking import selectors as ranking
from apps.ranking.asking import Asking
from apps.ranking.cold_start import ColdStart
from apps.ranking.diversify import Diversify
from apps.ranking.exploration import ExplorationSlots
from apps.ranking.exposure import ExposureGuarantee
from apps.ranking.fatigue import Fatigue
from apps.ranking.in_turn import InTurn
from apps.ranking.objective import Objective
from apps.ranking.rankers import Rankers
from apps.ranking.scorers import LearnedSelect, RankFusion, TasteOrder
from apps.ranking.trend import TrendBoost

_DEPTH = 500  # that a plain pipeline's source proposes: what editors exclude comes off it


def feed_pipeline(
    rankers: Callable[[Request], Rankers | None],
    *,
    rules: editorial.RulesOf = lambda request: (),
    objective: Callable[[], Objective] = ranking.objective,
    at_least: int = 0,
    explores: bool = False,
) -> Pipeline[Request]:
    """Return the pipeline that serves.

    rankers, rules and objective are asked at each request; offline judging leaves editors' rules
    out, has `at_least` so many candidates ranked, and does not explore.
    """
    depth = partial(dials.depth_of, at_least=at_least, explores=explores)
    return Pipeline(
        sources=SOURCES,
        filters=_filters(rules),
        scorers=(LearnedSelect(rankers, depth, objective), TasteOrder(depth), RankFusion()),
        rerankers=(
            # Trends are of now, and read from the database: not for the threads of offline judging.
            *([TrendBoost(dials.trend_beta_of)] if explores else []),
            ColdStart(dials.cold_views_of, dials.cold_chosen_of),
            Fatigue(),
            editorial.Weights(rules),
            *([Asking(dials.ask_slots_of)] if explores else []),
            Diversify(partial(dials.diversity_of, at_least=at_least)),
            ExposureGuarantee(partial(dials.guarantee_of, at_least=at_least)),
            *([ExplorationSlots(dials.exploration_of)] if explores else []),
            editorial.Pins(rules),
        ),
    )


def plain_pipeline(*names: str, keeps_limited: bool = True) -> Pipeline[Request]:
    """Return a pipeline of sources that do not ask what the viewer did, one after the other.

    names: of sources, in order. keeps_limited: what is of limited reach comes to followers of its
    creator. Sources keep their place among all, so that a slate's bits mean the same everywhere.
    """
    return Pipeline(
        sources=[Asked(source, _DEPTH if source.name in names else 0) for source in SOURCES],
        filters=(*_filters(active_rules), *([] if keeps_limited else [filters.OfLimitedReach()])),
        scorers=(),
        rerankers=(InTurn(names),),
    )


def _filters(rules: editorial.RulesOf) -> tuple[Filter[Request], ...]:
    return (
        filters.Servable(),
        filters.Withheld(),
        filters.AlreadySeen(),
        filters.RecentlyServed(),
        filters.OwnContent(),
        filters.HiddenCreators(),
        filters.Restricted(),
        editorial.Exclusions(rules),
    )


FEED = feed_pipeline(dials.rankers_of, rules=active_rules, explores=True)
