"""A small log that is judged, and who recommends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from apps.candidates.sources import SOURCES
from apps.candidates.tests.factories import make_catalog
from apps.core.pipeline import Pipeline
from apps.learning.moments import Moment
from apps.learning.tests.factories import N_CONTENTS, returning_viewers
from apps.ranking.rankers import Rankers
from apps.ranking.scorers import Depth, LearnedSelect, RankFusion

CATALOG = make_catalog(N_CONTENTS)
LOG = returning_viewers()
Lists = dict[int, list[int]]


class Asked:
    """Recommends as the feed does, and remembers what it was asked and what it answered."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.lists: Lists = {}

    def __call__(
        self, then: Moment, rankers: Rankers, viewers: Sequence[int], k: int
    ) -> Iterator[NDArray[np.int64]]:
        self.moments.append(then)
        ladder = (
            LearnedSelect(lambda request: rankers, lambda request: Depth(50, 50)),
            RankFusion(),
        )
        for viewer in viewers:
            request = then.request(viewer)
            found = Pipeline(SOURCES, (), ladder, ()).run(request, request.excluded())
            order = np.argsort(-found.candidates["score"], kind="stable")[:k]
            rows = found.candidates.rows[order]
            self.lists[viewer] = rows.tolist()
            yield rows
