"""Feed latency over HTTP against an empty REST view, interleaved in one run."""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import json

import numpy as np

from benchmarks.common import Client, fill_events, manage, parser, report, server, workspace

_VIEWERS = 200
_WARM_UP = 50

_SNAPSHOT = """
from apps.features.services import snapshot_counters
snapshot_counters(at_least=1)
"""
_COUNT = """
from django.db import connection
from django.test.utils import CaptureQueriesContext
from apps.core.clock import now_ms
from apps.feed.services import for_user
from apps.feed.types import FeedQuery
counts = set()
for user_id, limit in (("viewer_0001", 5), ("viewer_0002", 10), ("viewer_0003", 50)):
    for_user(FeedQuery(user_id, limit=limit), now_ms=now_ms())
    with CaptureQueriesContext(connection) as queries:
        for_user(FeedQuery(user_id, limit=limit), now_ms=now_ms())
    counts.add(len(queries))
print(max(counts))
"""


def main() -> None:
    """Seed, train, serve and measure."""
    arguments = parser(__doc__)
    arguments.add_argument("--contents", type=int, default=5000)
    arguments.add_argument("--candidates", type=int, default=500)
    arguments.add_argument("--requests", type=int, default=1000)
    arguments.add_argument("--stored", type=int, default=0, help="events added to the world's own")
    given = arguments.parse_args()
    rng = random.Random(1)
    users = [f"viewer_{rng.randint(1, 1999):04d}" for _ in range(_VIEWERS)]
    with workspace() as env:
        manage(env, "seed_demo", "--quiet", "--contents", str(given.contents))
        manage(env, "train", "--quiet")
        if given.stored:
            fill_events(env, given.stored)
            manage(env, "shell", "--no-imports", "-v0", "-c", _SNAPSHOT)
        key = manage(env, "create_key", "bench")
        queries = int(manage(env, "shell", "--no-imports", "-v0", "-c", _COUNT).split()[-1])
        env |= {"BENCH_CANDIDATES": str(given.candidates), "BENCH_USERS": ",".join(users[:40])}
        with server(env) as port:
            client = Client(port, key)
            size = json.loads(client.request("GET", "/api/v1/bench/size")[1])
            feeds, empties = [], []
            for number in range(given.requests + _WARM_UP):
                user = users[number % len(users)]
                empty = client.timed("GET", "/api/v1/bench/empty")
                feed = client.timed("GET", f"/api/v1/feed?user_id={user}&limit=10")
                if number >= _WARM_UP:
                    empties.append(empty)
                    feeds.append(feed)
    feed_p50, feed_p99 = np.percentile(feeds, [50, 99])
    empty_p50 = float(np.median(empties))
    report(
        "feed",
        {
            "feed_p50_ms": float(feed_p50),
            "feed_p99_ms": float(feed_p99),
            "empty_p50_ms": empty_p50,
            "ratio_p50": float(feed_p50) / empty_p50,
            "queries": queries,
            "candidates": float(size["candidates"]),
            "contents": size["contents"],
            "stored": given.stored,
        },
        given.json,
    )


if __name__ == "__main__":
    main()
