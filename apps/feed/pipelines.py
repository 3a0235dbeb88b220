"""The pipeline of a feed: its stages in order. This list is what the product does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from apps.candidates.rules import active_rules
from apps.candidates.sources import SOURCES
from apps.candidates.types import Request
from apps.core.pipeline import Pipeline
from apps.feed import dials, filters
from apps.ranking import editorial
from apps.ranking import selectors as ranking
from apps.ranking.cold_start import ColdStart
from apps.ranking.diversify import Diversify
from apps.ranking.exploration import ExplorationSlots
from apps.ranking.exposure import ExposureGuarantee
from apps.ranking.fatigue import Fatigue
from apps.ranking.objective import Objective
from apps.ranking.rankers import Rankers
from apps.ranking.scorers import LearnedSelect, RankFusion, TasteOrder
from apps.ranking.trend import TrendBoost


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
    return Pipeline(
        sources=SOURCES,
        filters=(
            filters.Servable(),
            filters.Withheld(),
            filters.AlreadySeen(),
            filters.RecentlyServed(),
            filters.OwnContent(),
            filters.HiddenCreators(),
            filters.Restricted(),
            editorial.Exclusions(rules),
        ),
        scorers=(
            LearnedSelect(
                rankers,
                partial(dials.depth_of, at_least=at_least, explores=explores),
                objective,
            ),
            TasteOrder(),
            RankFusion(),
        ),
        rerankers=(
            # Trends are of now, and read from the database: not for the threads of offline judging.
            *([TrendBoost(dials.trend_beta_of)] if explores else []),
            ColdStart(dials.cold_views_of, dials.cold_chosen_of),
            Fatigue(),
            editorial.Weights(rules),
            Diversify(partial(dials.diversity_of, at_least=at_least)),
            ExposureGuarantee(partial(dials.guarantee_of, at_least=at_least)),
            *([ExplorationSlots(dials.exploration_of)] if explores else []),
            editorial.Pins(rules),
        ),
    )


FEED = feed_pipeline(dials.rankers_of, rules=active_rules, explores=True)
