"""Parameters of retrieval: the defaults, which tuning replaces by what this installation earns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import msgspec

from apps.candidates.algorithms.als import ALSParams
from apps.candidates.algorithms.deepwalk import DeepWalkParams
from apps.candidates.algorithms.interests import InterestParams
from apps.candidates.algorithms.item_item import ItemItemParams
from apps.candidates.algorithms.next_item import NextItemParams
from apps.candidates.algorithms.taste import TasteParams
from apps.core.params import register


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
    """Events after which an event of the history counts 1/e when contents are asked for.

    1,000 is as good as never. Of `nearest` it is the viewer's vector that the latest events move.
    """

    just_after: float = 4.0
    next_item: float = 10.0
    item_item: float = 10.0
    nearest: float = 50.0


@dataclass(frozen=True, slots=True)
class ContentParams:
    """How contents are embedded by what they are (spec §3.4), and asked."""

    text: Literal["lsa", "words"] = "words"  # TF-IDF and its plane, or word vectors
    text_width: int = 32  # dimensions of each block
    tags_width: int = 16
    sound_width: int = 16
    visual_width: int = 32
    audio_width: int = 16
    weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "text": 0.5,
            "tags": 1.0,
            "sound": 0.3,
            "visual": 1.0,
            "audio": 0.3,
        }
    )
    comments_weight: float = 0.3  # of a content's comments beside its description, 0–1
    theta: float = 0.5  # θ, cosine above which a content is like an interest, −1…1
    least: int = 20  # contents that must pass; θ is lowered until they do


@dataclass(frozen=True, slots=True)
class ViewerParams:
    """How viewers like the one who asks are found and asked (spec §4.2)."""

    k: int = 100  # neighbors
    shrinkage: float = 5.0  # s, weight of the baseline in neighbors
    sharpness: float = 4.0  # power of the cosine that is a neighbor's weight
    damping: float = 5.0  # of the biases, in viewers
    most_viewers: int = 200_000  # kept, the latest active ones
    most_contents: int = 100  # kept of each, the latest ones


@dataclass(frozen=True, slots=True)
class GroupParams:
    """How popular contents are counted by language and age group."""

    half_life_hours: float = 72.0
    most: int = 300  # contents of a group
    least_views: float = 200.0  # decayed; a group with fewer falls back to a larger one


# Candidates that a source may propose; what each earns decides them (`learning.tuning.search`).
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
    "like_content": 60,
    "interests": 60,
    "similar_viewers": 60,
    "hybrid": 40,
    "liked_sounds": 20,
    "popular_near": 30,
    "explore": 20,
    "liked_kinds": 100,
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
    embedder: Literal["als", "deepwalk"] = "als"  # of the collaborative vectors
    timeliness: float = 0.02  # τ ≥ 0: `nearest` adds τ·ln(1 + views lately, half-life 6 h)
    deepwalk: DeepWalkParams = field(default_factory=DeepWalkParams)
    interests: InterestParams = field(default_factory=InterestParams)
    content: ContentParams = field(default_factory=ContentParams)
    content_signal: Signal = field(default_factory=lambda: Signal(short_view=0.0))
    viewers: ViewerParams = field(default_factory=ViewerParams)
    viewers_signal: Signal = field(default_factory=Signal)
    taste: TasteParams = field(default_factory=TasteParams)
    kappa: float = 10.0  # κ: contents met after which `hybrid` trusts both parents alike
    groups: GroupParams = field(default_factory=GroupParams)
    quotas: Mapping[str, int] = field(default_factory=lambda: dict(QUOTAS))
    seed: int = 7

    @property
    def factors(self) -> int:
        """Dimensions of the collaborative vectors."""
        return self.deepwalk.factors if self.embedder == "deepwalk" else self.als.factors


DEFAULTS = RetrievalParams()

# What is read when a source is asked. The rest is fitted into the bundle: another value needs
# another training.
register(
    "candidates",
    DEFAULTS,
    {
        "query.just_after": (0.1, 1000),
        "query.next_item": (0.1, 1000),
        "query.item_item": (0.1, 1000),
        "query.nearest": (0.1, 1000),
        "timeliness": (0, 1),
        "content.theta": (-1, 1),
        "content.least": (0, 1000),
        "viewers.k": (1, 1000),
        "viewers.shrinkage": (0, 1000),
        "viewers.sharpness": (0, 50),
        "viewers.damping": (0, 1000),
        "interests.most": (1, 10),
        "interests.likeness": (-1, 1),
        "interests.importance": (0, 5),
        "taste.liked": (0.01, 0.99),
        "taste.low": (-3, 4),
        "taste.high": (-3, 4),
        "taste.memory": (1, 10_000),
        "taste.optimism": (0, 5),
        "taste.curiosity": (0, 5),
        "taste.asking": (0, 100),
        "taste.anybody": (0.01, 0.99),
        "taste.worth": (0, 3),
        "taste.foreign": (0, 10),
        "taste.length": (0, 2),
        "taste.most": (1, 300),
        "taste.stated": (0, 20),
        "kappa": (0.1, 10_000),
        **{f"quotas.{source}": (0, 1000) for source in QUOTAS},
    },
)

# What no log can say that it earns: follows, new uploads and risers are shown on principle. Of
# new uploads and risers a page's worth; see ADR 0027.
LEAST_QUOTAS: Mapping[str, int] = {"followed": 40, "trending": 10, "fresh": 10, "explore": 20}
MAX_POOL = 740  # distinct candidates of a request, on average, that tuned quotas add up to


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
