"""Who asks, and what was known when: the inputs of sources, features and rankers alike."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import EventLog


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when a feed is asked for."""

    surface: int = 0  # page of the app, as the client numbers it; 0 = main feed
    utc_offset_minutes: int = 0  # of the viewer's clock
    device: int = 0  # code of `events.types.DEVICES`, 0 unknown
    network_ms: float = math.nan  # what the client measured last; NaN unknown

    def filled(self, history: EventLog) -> Context:
        """Return the context with what the client does not say taken from the viewer's last event.

        An offset of 0 is both UTC and not said: who has just travelled to UTC is a little wrong.
        """
        if not len(history):
            return self
        return replace(
            self,
            utc_offset_minutes=self.utc_offset_minutes or int(history.utc_offset_minutes[-1]),
            device=self.device or int(history.device[-1]),
        )


@dataclass(frozen=True, slots=True)
class Query:
    """One viewer asking at one moment; a training example is a query in the past."""

    viewer: int  # primary key; 0 for a viewer never heard of
    at_ms: int  # ms since 1970 UTC
    history: EventLog  # the viewer's own events strictly before at_ms, in time order
    context: Context = Context()
    language: int = -1  # catalog language code, −1 unknown


@dataclass(frozen=True, slots=True)
class Asked:
    """What m queries say themselves, as columns of length m."""

    at_ms: NDArray[np.int64]
    surface: NDArray[np.int64]
    utc_offset_minutes: NDArray[np.int64]
    language: NDArray[np.int64]  # of the viewer, catalog code, −1 unknown
    device: NDArray[np.int64]
    network_ms: NDArray[np.float32]  # NaN unknown
    slot: NDArray[np.float32]  # place in the page, from 1, NaN unknown

    @classmethod
    def of(cls, query: Query) -> Asked:
        """Return one query as columns; every candidate is asked about as the first of its page."""
        context = query.context
        return cls(
            at_ms=np.array([query.at_ms]),
            surface=np.array([context.surface]),
            utc_offset_minutes=np.array([context.utc_offset_minutes]),
            language=np.array([query.language]),
            device=np.array([context.device]),
            network_ms=np.array([context.network_ms], np.float32),
            slot=np.ones(1, np.float32),
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """Decayed counters as of each pair's moment, float64; see `stats.Counted` for the kinds."""

    by: dict[str, NDArray[np.float64]]  # [n, n_kinds, n_half_lives] an entity, tags [n, t, …]
    total: NDArray[np.float64]  # [1 or n, 2, n_counted, n_half_lives]


@dataclass(frozen=True, slots=True)
class Facts:
    """What features may know of contents, one row a pair: nothing that changes as time goes by.

    Status, stamps and sizes of the catalogue are left out on purpose: they tell of the future.
    """

    creator: NDArray[np.int64]  # [n], −1 for none, as the others
    sound: NDArray[np.int64]  # [n]
    category: NDArray[np.int64]  # [n]
    language: NDArray[np.int64]  # [n]
    tags: NDArray[np.int64]  # [n, MAX_TAGS]
    duration_seconds: NDArray[np.float32]  # [n], NaN where unknown
    uploaded_ms: NDArray[np.int64]  # [n]

    @classmethod
    def of(cls, catalog: Catalog, rows: NDArray[np.int64]) -> Facts:
        """Return the facts of contents `rows` int64[n]."""
        return cls(
            creator=catalog.creator[rows],
            sound=catalog.sound[rows],
            category=catalog.category[rows],
            language=catalog.language[rows],
            tags=catalog.tags[rows],
            duration_seconds=catalog.duration_seconds[rows],
            uploaded_ms=catalog.uploaded_ms[rows],
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was kept of the log beside what the log says."""

    aggregate: str
    rows: int  # in the log's version
    differing: int
    max_absolute: float
    max_relative: float
    seconds: float  # to rebuild and compare
