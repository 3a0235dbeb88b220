"""Parameters of retrieval: the defaults, which tuning replaces by what this installation earns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from apps.candidates.algorithms.als import ALSParams
from apps.candidates.algorithms.item_item import ItemItemParams
from apps.candidates.algorithms.next_item import NextItemParams


@dataclass(frozen=True, slots=True)
class Signal:
    """How strongly an event speaks for its content (Hu, Koren, Volinsky 2008)."""

    long_view: float = 1.0
    short_view: float = 0.4  # watching a little is a weak positive, not a negative
    explicit: float = 1.0  # times the weight of a like, share, save…
    most: float = 3.0  # repeats add up to this
    half_life_hours: float | None = None  # age at which an event counts half; None: never less


@dataclass(frozen=True, slots=True)
class QueryParams:
    """Events after which an event of the history counts 1/e when neighbors are asked."""

    just_after: float = 4.0
    next_item: float = 10.0
    item_item: float = 10.0


# Candidates that a source may propose; what each earns decides them (`learning.tuning`).
QUOTAS: Mapping[str, int] = {
    "followed": 40,
    "just_after": 60,
    "next_item": 80,
    "item_item": 80,
    "nearest": 200,
    "popular_6h": 40,
    "popular_1d": 60,
    "popular_7d": 40,
    "popular_ever": 40,
    "trending": 40,
    "fresh": 50,
}


@dataclass(frozen=True, slots=True)
class RetrievalParams:
    """How the retrieval models are fitted and asked."""

    als: ALSParams = field(
        default_factory=lambda: ALSParams(
            factors=64, iterations=8, unobserved_weight=0.05, regularization=0.01, n_threads=2
        )
    )
    als_signal: Signal = field(default_factory=Signal)
    next_item: NextItemParams = field(default_factory=NextItemParams)
    next_item_signal: Signal = field(default_factory=Signal)
    item_item: ItemItemParams = field(default_factory=ItemItemParams)
    item_item_signal: Signal = field(default_factory=Signal)
    query: QueryParams = field(default_factory=QueryParams)
    quotas: Mapping[str, int] = field(default_factory=lambda: dict(QUOTAS))
    seed: int = 7


DEFAULTS = RetrievalParams()

# What no log can say that it earns: follows, new uploads and risers are shown on principle.
LEAST_QUOTAS: Mapping[str, int] = {"followed": 40, "trending": 20, "fresh": 30}
MAX_POOL = 700  # distinct candidates of a request, on average, that tuned quotas add up to


def with_values(params: RetrievalParams, values: Mapping[str, Any]) -> RetrievalParams:
    """Return the parameters with some replaced, by dotted name (`als.factors`).

    Raises `KeyError` for a name that there is not and `msgspec.ValidationError` for a value of
    another type.
    """
    tree = asdict(params)
    for name, value in values.items():
        *path, last = name.split(".")
        node = tree
        for step in path:
            node = node[step]
        if last not in node:
            raise KeyError(name)
        node[last] = value
    return msgspec.convert(tree, RetrievalParams)


def value_of(params: RetrievalParams, name: str) -> Any:
    """Return one parameter by dotted name."""
    node: Any = asdict(params)
    for step in name.split("."):
        node = node[step]
    return node
