"""A moment of the log: what was known then, and the requests that viewers could make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from apps.candidates.sources import SOURCES
from apps.candidates.types import Request, RetrievalModels
from apps.content.types import Catalog
from apps.core.candidates import Candidates
from apps.core.pipeline import Pipeline
from apps.events.types import EventLog
from apps.features.history import Histories
from apps.features.replay import Pairs
from apps.features.stats import Stats
from apps.features.types import Context, Query
from apps.learning.slices import timed_views
from apps.learning.slots import slots_of
from apps.profiles import selectors as profiles

_RETRIEVAL: Pipeline[Request] = Pipeline(sources=SOURCES, filters=(), scorers=(), rerankers=())


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything as of `at_ms`: catalogue, counters, histories, and models fitted before it."""

    at_ms: int
    catalog: Catalog
    stats: Stats
    histories: Histories
    models: RetrievalModels
    stances: profiles.Stances
    languages: profiles.Languages
    groups: profiles.Groups
    surface: int = 0
    # Categories that viewers chose. The database knows no more than those of now: no training and
    # no judging of the past may see them.
    chosen: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def request(self, viewer: int) -> Request:
        """Return the request that the viewer could make at this moment."""
        history = self.histories.events_of(viewer, self.at_ms)
        return Request(
            query=Query(
                viewer=viewer,
                at_ms=self.at_ms,
                history=history,
                context=Context(surface=self.surface).filled(history),
                language=int(self.languages.of(np.array([viewer]))[0]),
            ),
            catalog=self.catalog,
            stats=self.stats,
            models=self.models,
            stance=self.stances.of(viewer).mapped(self.catalog.creator_rows_of),
            stated=self.catalog.category_codes(self.chosen.get(viewer, ())),
            age_group=str(self.groups.of(np.array([viewer]))[1][0]),
            speaks=self.languages.of,
        )

    def pool(self, request: Request) -> Candidates:
        """Return the candidates of the production sources."""
        failures: list[str] = []
        candidates = _RETRIEVAL.retrieve(request, request.excluded(), failures)
        if failures:
            raise RuntimeError(f"sources failed offline: {failures}")
        return candidates


def moment(log: EventLog, catalog: Catalog, models: RetrievalModels, at_ms: int) -> Moment:
    """Return the moment after all of `log`, asked at `at_ms`."""
    stats = Stats(catalog)
    stats.advance(log)
    return Moment(
        at_ms=at_ms,
        catalog=catalog,
        stats=stats,
        histories=Histories(log, catalog),
        models=models,
        stances=profiles.stances(at_ms=at_ms),
        languages=profiles.languages(catalog.languages),
        groups=profiles.groups(),
        surface=main_surface(log),
    )


def pairs_of(log: EventLog, catalog: Catalog) -> Pairs:
    """Return one pair an event of `log`, as its viewer's request would have asked for it."""
    language = profiles.languages(catalog.languages).of(log.viewer)
    return Pairs.of_events(log, language, slots_of(log, catalog))


def main_surface(log: EventLog) -> int:
    """Return the page of the app where most views happen: what offline requests assume.

    Views that an importer gave a time tell no page either: they count only where there are no
    others.
    """
    views = log.surface[timed_views(log)]
    return int(np.bincount(views if len(views) else log.surface).argmax()) if len(log) else 0
