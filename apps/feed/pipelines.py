"""The pipeline of a feed: its stages in order. This list is what the product does."""

from __future__ import annotations

from apps.candidates.sources import SOURCES
from apps.candidates.types import Request
from apps.core.pipeline import Pipeline
from apps.feed import filters
from apps.feed.conf import PARAMS
from apps.learning import bundle
from apps.ranking.rankers import Rankers
from apps.ranking.scorers import CreatorCap, LearnedSelect, RankFusion


def production_rankers() -> Rankers | None:
    """Return the rankers that are promoted."""
    promoted = bundle.production()
    return promoted.rankers if promoted else None


FEED: Pipeline[Request] = Pipeline(
    sources=SOURCES,
    filters=(
        filters.Servable(),
        filters.AlreadySeen(),
        filters.RecentlyServed(),
        filters.OwnContent(),
        filters.HiddenCreators(),
    ),
    scorers=(
        LearnedSelect(production_rankers, PARAMS.ranked),
        RankFusion(),
    ),
    rerankers=(CreatorCap(PARAMS.creator_cap, PARAMS.creator_decay),),
)
