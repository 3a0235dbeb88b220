"""What sources read: the request, and what was learned about contents and their neighbors."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.neighbors import Neighbors
from apps.candidates.conf import DEFAULTS, RetrievalParams
from apps.candidates.content_vectors import ContentVectors
from apps.candidates.groups import Charts
from apps.candidates.index import VectorIndex
from apps.candidates.restrictions import Restriction
from apps.candidates.viewers import Viewers
from apps.content.types import Catalog
from apps.core.params import Overrides
from apps.events.types import Dislikes
from apps.features.stats import Stats
from apps.features.types import Query
from apps.profiles import conf as profiles_conf
from apps.profiles.conf import MuteParams
from apps.profiles.models import ADULT_GROUPS
from apps.profiles.types import Stance

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetrievalModels:
    """One version of everything that sources learned, all in catalog rows.

    Contents uploaded since the fit have rows past the end of the arrays: no opinion about them.
    """

    vectors: NDArray[np.float32]  # [n, f] collaborative vectors of contents
    gram: NDArray[np.float32]  # [f, f]
    params: RetrievalParams  # with which they were fitted and must be asked
    index: VectorIndex
    next_item: Neighbors
    item_item: Neighbors
    content: ContentVectors | None = None  # by what contents are
    viewers: Viewers | None = None
    charts: Charts | None = None


def _not_told(viewers: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.full(len(viewers), -1)


@dataclass(frozen=True, slots=True)
class Request:
    """One viewer's request with all that the stages read."""

    query: Query
    catalog: Catalog
    stats: Stats
    models: RetrievalModels | None = None  # None before the first training
    stance: Stance = Stance()  # to creators, as creator rows
    lifts_mutes: bool = False  # as nothing else is left to show
    disliked: Dislikes = Dislikes()  # contents hidden or reported lately
    own_creator: int = -1  # creator row of the viewer themself
    served: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    # rows served lately, so not proposed again
    age_group: str = ""  # of the viewer; empty: not known
    # of any viewers, by their keys, the catalog code of their language, −1 not known
    speaks: Callable[[NDArray[np.int64]], NDArray[np.int64]] = _not_told
    # category codes that the viewer chose; none in training, which cannot know when they chose
    stated: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    position: int = 0  # of the page's first content in the scroll
    limit: int | None = None  # contents of the page; None: as many as the parameters say
    mode: str = "foryou"  # how the feed is filled, by its name
    restriction: Restriction | None = None  # what the caller asks of all contents
    overrides: Overrides = field(default_factory=Overrides, compare=False)  # of its experiments
    _shared: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def params(self) -> RetrievalParams:
        """The parameters of the models at hand, as this request's experiments have them."""
        fitted = self.models.params if self.models else DEFAULTS
        return self.overrides.view("candidates", fitted)

    @property
    def mutes(self) -> MuteParams:
        """How long mutes last in this request."""
        return self.overrides.view("profiles", profiles_conf.PARAMS)

    def under(self, overrides: Overrides) -> Request:
        """Return the same request under other parameters; nothing that depends on them is kept."""
        return replace(self, overrides=overrides, _shared={})

    @property
    def language(self) -> str:
        """The viewer's language, empty where not known."""
        code = self.query.language
        return self.catalog.languages[code] if code >= 0 else ""

    @property
    def hidden(self) -> NDArray[np.int64]:
        """Creator rows that must not come: blocked, or muted less than two weeks ago."""
        if self.lifts_mutes or not len(self.stance.muted):
            return self.stance.blocked
        return self.stance.hidden(self.query.at_ms, mute_days=self.mutes.mute_days)

    def withheld(
        self,
        creator: NDArray[np.int64],
        is_age_restricted: NDArray[np.bool_],
        is_reach_limited: NDArray[np.bool_],
    ) -> NDArray[np.bool_]:
        """Return bool[n]: which contents moderation keeps from this viewer; creator rows int64[n].

        Age-restricted ones are for viewers known to be adults, those of limited reach for
        followers of their creator.
        """
        is_withheld = is_reach_limited
        if is_reach_limited.any():
            is_withheld = is_reach_limited & ~np.isin(creator, self.stance.followed)
        return is_withheld if self.age_group in ADULT_GROUPS else is_withheld | is_age_restricted

    def excluded(self) -> NDArray[np.bool_]:
        """Return bool[n_contents]: what sources need not propose, as filters would remove it."""
        catalog = self.catalog
        excluded = ~catalog.is_servable | (catalog.uploaded_ms > self.query.at_ms)
        excluded |= self.withheld(
            catalog.creator, catalog.is_age_restricted, catalog.is_reach_limited
        )
        if self.own_creator >= 0:
            excluded |= catalog.creator == self.own_creator
        if len(hidden := self.hidden):
            excluded |= np.isin(catalog.creator, hidden)
        for rows in (self.query.history.content, self.served):
            excluded[rows[rows >= 0]] = True
        if self.restriction is not None:
            excluded |= ~self.restriction.allowed(catalog, self.query.at_ms)
        return excluded

    def shared(self, name: Hashable, make: Callable[[Request], T]) -> T:
        """Return what `make` gives for this request, made once for all stages."""
        if name not in self._shared:
            self._shared[name] = make(self)
        return self._shared[name]
