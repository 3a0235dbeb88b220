"""Views of pairs, as serving and training make them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.events.types import DEVICES, EventLog
from apps.features.history import cut_one
from apps.features.replay import Pairs
from apps.features.stats import Stats
from apps.features.types import Facts
from apps.features.view import View


def make_stats(log: EventLog, catalog: Catalog) -> Stats:
    stats = Stats(catalog)
    stats.advance(log)
    return stats


def serving_view(
    pairs: Pairs,
    i: int,
    log: EventLog,
    catalog: Catalog,
    stats: Stats,
    *,
    rows: NDArray[np.int64] | None = None,
) -> View:
    """Return the view of pair i, or of other contents, as a request at its moment makes it."""
    at_ms = int(pairs.at_ms[i])
    rows = pairs.content[i : i + 1] if rows is None else rows
    asked = pairs.take(slice(i, i + 1)).asked()
    own = log.before(at_ms)
    own = own.take(own.viewer == pairs.viewer[i])
    return View(
        facts=Facts.of(catalog, rows),
        counts=stats.counts(rows, asked),
        history=cut_one(own, catalog, at_ms),
        asked=asked,
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
        device=rng.integers(0, len(DEVICES), n),
        network_ms=rng.choice([np.nan, 40, 900], n).astype(np.float32),
        slot=rng.choice([np.nan, 1, 7], n).astype(np.float32),
    )
