"""Views of pairs, as serving and training make them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import EventLog
from apps.features.history import cut_one
from apps.features.replay import Pairs
from apps.features.stats import Stats
from apps.features.view import View


def make_stats(log: EventLog, catalog: Catalog) -> Stats:
    stats = Stats(catalog)
    stats.advance(log)
    return stats


def serving_view(pairs: Pairs, i: int, log: EventLog, catalog: Catalog, stats: Stats) -> View:
    """Return the view of one pair as a request at its moment makes it."""
    at_ms = int(pairs.at_ms[i])
    own = log.before(at_ms)
    own = own.take(own.viewer == pairs.viewer[i])
    return View(
        catalog=catalog,
        stats=stats,
        history=cut_one(own, catalog, at_ms),
        at_ms=pairs.at_ms[i : i + 1],
        surface=pairs.surface[i : i + 1],
        utc_offset_minutes=pairs.utc_offset_minutes[i : i + 1],
        language=pairs.language[i : i + 1],
        rows=pairs.content[i : i + 1],
        query_of=np.zeros(1, np.int64),
    )


def make_pairs(catalog: Catalog, at_ms: NDArray[np.int64], *, viewers: int = 7) -> Pairs:
    """Return one pair a moment; the last viewer is one without any events."""
    n = len(at_ms)
    rng = np.random.default_rng(3)
    return Pairs(
        viewer=rng.integers(1, viewers + 1, n),
        content=rng.integers(0, len(catalog), n),
        at_ms=np.sort(at_ms),
        surface=rng.integers(0, 3, n),
        utc_offset_minutes=rng.choice([0, 120, -480], n),
        language=rng.integers(-1, 2, n),
    )
