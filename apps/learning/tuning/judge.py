"""How good a source is: its lists for the viewers of a slice, and what they went on to watch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from apps.candidates import services as retrieval
from apps.candidates.sources import SOURCE_NAMES, SOURCES
from apps.candidates.types import Request
from apps.candidates.types import RetrievalModels as Models
from apps.content.types import Catalog
from apps.core.pipeline import Source
from apps.learning.evaluation.ranking import ndcg_by_viewer
from apps.learning.evaluation.splits import Truth, truth_of
from apps.learning.moments import Moment, moment
from apps.learning.slices import Slice

JUDGED_AT = 10  # NDCG@10
_VIEWERS = 1500  # judged at most


class Judge:
    """Asks a source for the lists of the viewers of a slice, and says how good they are."""

    def __init__(
        self, part: Slice, catalog: Catalog, models: Models, background: retrieval.Background
    ) -> None:
        self.part = part
        self.catalog = catalog
        self.background = background
        self.models = models
        self.then: Moment = moment(part.past, catalog, models, part.at_ms)
        self._everybody = truth_of(part, catalog, any_view=False)
        self.truth = _sample(self._everybody, _VIEWERS)

    def lists(self, source: str, models: Models, k: int) -> Iterator[NDArray[np.int64]]:
        """Yield the source's best k rows for each judged viewer."""
        asked = SOURCES[SOURCE_NAMES.index(source)]
        then = replace(self.then, models=models)
        for viewer in self.truth.viewers:
            yield _best(asked, then.request(viewer), k)

    def all_lists(self, k: int) -> Iterator[tuple[list[NDArray[np.int64]], set[int]]]:
        """Yield each source's best k rows for a viewer, and what they watched; viewers by lot."""
        then = replace(self.then, models=self.models)
        truth = _sample(self._everybody, len(self._everybody.viewers))
        for viewer, relevant in zip(truth.viewers, truth.relevant, strict=True):
            request = then.request(viewer)
            yield [_best(source, request, k) for source in SOURCES], relevant

    def ndcg(self, source: str, models: Models) -> NDArray[np.float64]:
        """Return NDCG@10 of each judged viewer, float64[n_viewers]."""
        return ndcg_by_viewer(list(self.lists(source, models, JUDGED_AT)), self.truth, JUDGED_AT)


def _best(source: Source[Request], request: Request, k: int) -> NDArray[np.int64]:
    scores = source(request)
    return np.empty(0, np.int64) if scores is None else scores.top(k, request.excluded())


def _sample(truth: Truth, most: int) -> Truth:
    """Return at most so many of the viewers, drawn by lot and always the same."""
    order = np.random.default_rng(0).permutation(len(truth.viewers))[:most].tolist()
    return replace(
        truth,
        viewers=[truth.viewers[i] for i in order],
        relevant=[truth.relevant[i] for i in order],
    )
