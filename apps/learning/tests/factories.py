"""A log with viewers who come back, and parameters that learn from it in a second."""

from __future__ import annotations

import numpy as np

from apps.candidates.tests.factories import NOW_MS, SMALL, make_log
from apps.core.clock import DAY_MS
from apps.events.types import EventLog, EventType
from apps.learning.conf import TrainingParams
from apps.ranking.boosted import BoostedParams
from apps.ranking.boosters import BoosterParams
from apps.ranking.select import SelectParams

N_CONTENTS = 120
_TINY = BoosterParams(trees=10, leaves=4, min_leaf=20)
PARAMS = TrainingParams(
    retrieval=SMALL,
    negatives=10,
    select=SelectParams(
        trees=BoosterParams(objective="cross_entropy", trees=10, leaves=4, min_leaf=20)
    ),
    boosted=BoostedParams(
        head=_TINY,
        rare_head=_TINY,
        watch=BoosterParams(objective="cross_entropy", trees=10, leaves=4, min_leaf=20),
    ),
)


def returning_viewers(*, viewers: int = 30, days: int = 10, seed: int = 0) -> EventLog:
    """Return three views a day of each viewer, in their half of the contents; a third is liked.

    Odd contents are watched for 20 s, even ones for 5 s.
    """
    rng = np.random.default_rng(seed)
    half = N_CONTENTS // 2
    events = []
    for viewer in range(1, viewers + 1):
        rows = rng.permutation(half)[: 3 * days] + (viewer % 2) * half
        for i, row in enumerate(rows.tolist()):
            at = NOW_MS - (days - i // 3) * DAY_MS + 60_000 * (viewer + i)
            events.append((viewer, row, at, EventType.VIEW, 20.0 if row % 2 else 5.0))
            if i % 3 == 0:
                events.append((viewer, row, at + 9000, EventType.LIKE))
    return make_log(events)
