"""Point-in-time replay: rows a second on one core, and how far from what a request computes."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.common import manage, parser, report, workspace

_ROWS = 200_000  # latest views that are replayed
_SAMPLED = 1_000  # of them, computed once more as a request does
_ROUNDS = 3  # the best one counts: other work on the machine only makes a round slower
_MEASURE = "from benchmarks.replay import measure; measure()"


def main() -> None:
    """Seed the demo world and measure in a process that has it as its database."""
    given = parser(__doc__).parse_args()
    with workspace() as env:
        env |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        manage(env, "seed_demo", "--quiet")
        printed = manage(env, "shell", "--no-imports", "-v0", "-c", _MEASURE)
    report("replay", json.loads(printed.splitlines()[-1]), given.json)


def measure() -> None:
    """Print the figures as JSON."""
    import numpy as np

    from apps.content import selectors as content
    from apps.events import selectors as events
    from apps.features.replay import replay
    from apps.features.selectors import SCHEMA
    from apps.learning.moments import pairs_of
    from apps.learning.slices import timed_views

    catalog = content.catalog()
    log = events.log(catalog)
    shown = log.take(np.flatnonzero(timed_views(log))[-_ROWS:])
    pairs = pairs_of(shown, catalog)
    seconds = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        replayed = replay(log, catalog, pairs)
        seconds.append(time.process_time() - start)
    sampled = np.sort(np.random.default_rng(0).choice(len(pairs), _SAMPLED, replace=False))
    served = _served(log, catalog, pairs.take(sampled))
    difference = np.abs(replayed[sampled] - served)
    if (np.isnan(replayed[sampled]) != np.isnan(served)).any():
        raise RuntimeError("a feature is missing in one of replay and request only")
    figures = {
        "rows_per_s": len(pairs) / min(seconds),
        "max_abs_difference": float(np.nanmax(difference)),
        "n_features": len(SCHEMA),
        "n_rows": len(pairs),
        "n_events": len(log),
        "request_200_rows_ms": _request_ms(log, catalog, pairs),
    }
    print(json.dumps(figures))


def _request(log, catalog, stats, pairs, i):
    """Return the request of pair i: the viewer's latest events, and the counters so far."""
    from apps.candidates.types import Request
    from apps.events.conf import HISTORY_EVENTS
    from apps.features.types import Context, Query

    at_ms = int(pairs.at_ms[i])
    own = log.before(at_ms)
    own = own.take(own.viewer == pairs.viewer[i]).take(slice(-HISTORY_EVENTS, None))
    context = Context(
        surface=int(pairs.surface[i]),
        utc_offset_minutes=int(pairs.utc_offset_minutes[i]),
        device=int(pairs.device[i]),
    )
    query = Query(int(pairs.viewer[i]), at_ms, own, context, int(pairs.language[i]))
    return Request(query, catalog, stats)


def _served(log, catalog, pairs):
    """Return the features of each pair as a request at its moment computes them."""
    import numpy as np

    from apps.features.stats import Stats
    from apps.ranking.rankers import request_features

    stats, counted, rows = Stats(catalog), 0, []
    for i in range(len(pairs)):
        upto = int(np.searchsorted(log.at_ms, pairs.at_ms[i], side="left"))
        stats.advance(log.take(slice(counted, upto)))
        counted = upto
        request = _request(log, catalog, stats, pairs, i)
        rows.append(request_features(request, pairs.content[i : i + 1]))
    return np.concatenate(rows)


def _request_ms(log, catalog, pairs) -> float:
    """Return the median milliseconds that the features of 200 contents take in a request."""
    import numpy as np

    from apps.features.stats import Stats
    from apps.ranking.rankers import request_features

    stats = Stats(catalog)
    stats.advance(log)
    request = _request(log, catalog, stats, pairs, len(pairs) - 1)
    rows = np.random.default_rng(0).integers(0, len(catalog), 200)
    times = []
    for _ in range(200):
        start = time.process_time()
        request_features(request, rows)
        times.append(time.process_time() - start)
    return float(np.median(times)) * 1000


if __name__ == "__main__":
    main()
