"""What is tuned: the parameters of each source and the values that are tried, in one list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from apps.candidates import services as retrieval
from apps.candidates.algorithms.als import gram
from apps.candidates.conf import RetrievalParams
from apps.candidates.embedder import BLOCKS
from apps.candidates.index import ExactIndex
from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.types import RetrievalModels as Models
from apps.learning.tuning.judge import Judge


@dataclass(frozen=True, slots=True)
class Choice:
    """One parameter and the values that are tried, in order of size."""

    name: str  # dotted, as in `with_values`
    values: tuple[Any, ...]
    refits: bool = True  # whether models must be fitted anew


@dataclass(frozen=True, slots=True)
class Family:
    """Parameters that decide what one source is worth."""

    source: str
    share: float  # of the trials
    fit: Callable[[Judge, RetrievalParams, Models], Models]
    choices: tuple[Choice, ...]
    rests_on_others: bool = False  # its models are made of what families before it have found


def _with_vectors(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    vectors = retrieval.fit_vectors(judge.part.past, judge.catalog, params)
    return replace(models, vectors=vectors, gram=gram(vectors), index=ExactIndex(vectors))


def _with_next(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    return replace(models, next_item=retrieval.fit_next(judge.part.past, judge.catalog, params))


def _with_company(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    return replace(models, item_item=retrieval.fit_company(judge.part.past, judge.catalog, params))


def _with_viewers(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    past, vectors = judge.part.past, models.vectors
    return replace(models, viewers=retrieval.fit_neighborhood(past, judge.catalog, params, vectors))


def _with_content(judge: Judge, params: RetrievalParams, models: Models) -> Models:
    return replace(models, content=retrieval.fit_content(judge.background, params))


_HALF_LIVES = (10.0, 24.0, 72.0, 168.0, 720.0, 8760.0, 43_800.0, None)
_SHORT_VIEWS = (0.0, 0.2, 0.4, 0.7, 1.0)
_BLOCK_WEIGHTS = (0.0, 0.1, 0.3, 0.5, 1.0, 2.0)
_QUERIES = (3.0, 6.0, 12.0, 25.0, 50.0, 100.0, 200.0, 1000.0)
_DECAYS = (2.0, 4.0, 7.0, 10.0, 15.0, 25.0, 50.0)

FAMILIES: tuple[Family, ...] = (
    Family(
        "nearest",
        0.4,
        _with_vectors,
        (
            Choice("query.nearest", _QUERIES, refits=False),
            # More of it goes on to gain among the first ten what it loses among the candidates.
            Choice("timeliness", (0.0, 0.01, 0.02, 0.05), refits=False),
            Choice("als_signal.half_life_hours", _HALF_LIVES),
            Choice("als.unobserved_weight", (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)),
            Choice("als.regularization", (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)),
            Choice("als_signal.short_view", _SHORT_VIEWS),
            Choice("als.factors", (32, 64, 128)),
            Choice("embedder", ("als", "deepwalk")),
            Choice("als.frequency_exponent", (0.5, 0.75, 1.0)),
            Choice("als.iterations", (4, 8, 16)),
        ),
    ),
    Family(
        "item_item",
        0.2,
        _with_company,
        (
            Choice("query.item_item", _DECAYS, refits=False),
            Choice("item_item.decay_events", (5.0, 10.0, 20.0, 30.0, 60.0, 150.0)),
            Choice("item_item.shrinkage", (0.0, 2.0, 5.0, 15.0, 40.0)),
            Choice("item_item_signal.short_view", _SHORT_VIEWS),
            Choice("item_item_signal.half_life_hours", _HALF_LIVES),
        ),
    ),
    Family(
        "next_item",
        0.15,
        _with_next,
        (
            Choice("query.next_item", _DECAYS, refits=False),
            Choice("next_item.regularization", (30.0, 100.0, 250.0, 500.0, 1000.0, 2500.0)),
            Choice("next_item.decay_events", (1.0, 2.0, 4.0, 10.0, 20.0)),
            Choice("next_item_signal.short_view", _SHORT_VIEWS),
        ),
    ),
    Family(
        "similar_viewers",
        0.12,
        _with_viewers,
        (
            Choice("viewers.sharpness", (1.0, 2.0, 4.0, 8.0, 16.0), refits=False),
            Choice("viewers.k", (25, 50, 100, 200), refits=False),
            Choice("viewers.shrinkage", (0.0, 1.0, 5.0, 20.0, 80.0), refits=False),
            Choice("viewers_signal.short_view", _SHORT_VIEWS),
        ),
        rests_on_others=True,
    ),
    Family(
        "like_content",
        0.1,
        _with_content,
        (
            Choice("interests.likeness", (0.2, 0.3, 0.4, 0.55, 0.7), refits=False),
            Choice("interests.importance", (0.0, 0.25, 0.5, 1.0), refits=False),
            Choice("content.theta", (0.0, 0.3, 0.5, 0.7, 0.85), refits=False),
            *(Choice(f"content.weights.{name}", _BLOCK_WEIGHTS) for name in BLOCKS),
        ),
    ),
    Family(
        "hybrid",
        0.03,
        _with_content,
        (Choice("kappa", (0.0, 1.0, 3.0, 10.0, 30.0, 100.0), refits=False),),
    ),
)
NAMES: tuple[str, ...] = (
    *(choice.name for family in FAMILIES for choice in family.choices),
    *(f"quotas.{name}" for name in SOURCE_NAMES),
)
