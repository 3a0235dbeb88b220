"""The pipeline of a feed: its stages in order. This list is what the product does."""

from __future__ import annotations

from collections.abc import Callable

from apps.candidates.rules import active_rules
from apps.candidates.sources import SOURCES
from apps.candidates.types import Request
from apps.core.pipeline import Pipeline
from apps.feed import filters
from apps.feed.conf import PARAMS
from apps.learning import bundle
from apps.ranking import editorial
from apps.ranking.rankers import Rankers
from apps.ranking.scorers import CreatorCap, LearnedSelect, RankFusion


def production_rankers() -> Rankers | None:
    """Return the rankers that are promoted."""
    promoted = bundle.production()
    return promoted.rankers if promoted else None


def feed_pipeline(
    rankers: Callable[[], Rankers | None],
    *,
    rules: editorial.RulesOf = lambda request: (),
    ranked: int = PARAMS.ranked,
) -> Pipeline[Request]:
    """Return the pipeline that serves.

    rankers and rules are asked at each request; offline judging leaves editors' rules out.
    """
    return Pipeline(
        sources=SOURCES,
        filters=(
            filters.Servable(),
            filters.AlreadySeen(),
            filters.RecentlyServed(),
            filters.OwnContent(),
            filters.HiddenCreators(),
            filters.Restricted(),
            editorial.Exclusions(rules),
        ),
        scorers=(
            LearnedSelect(rankers, ranked),
            RankFusion(),
        ),
        rerankers=(
            editorial.Weights(rules),
            CreatorCap(PARAMS.creator_cap, PARAMS.creator_decay),
            editorial.Pins(rules),
        ),
    )


FEED = feed_pipeline(production_rankers, rules=active_rules)
