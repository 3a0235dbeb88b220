"""Events a second over HTTP in batches of 500, against raw inserts of the like, beside many events.

On SQLite against `bulk_create`; and, where DATABASE_URL or TEST_DATABASE_URL names a PostgreSQL
that answers, there against COPY into the same table, in a database that is dropped afterwards.
"""

from __future__ import annotations

import json
import random
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from benchmarks.common import (
    Client,
    fill_events,
    manage,
    parser,
    postgresql_url,
    report,
    server,
    workspace,
)

_BATCH = 500
_CONTENTS = """
import json
from apps.content.models import Content
print(json.dumps(list(Content.objects.values_list("content_id", flat=True))))
"""


def main() -> None:
    """Measure every database that there is."""
    arguments = parser(__doc__)
    arguments.add_argument("--batches", type=int, default=40, help="of a round")
    arguments.add_argument("--rounds", type=int, default=4)
    arguments.add_argument("--stored", type=int, default=1_000_000, help="events there before")
    given = arguments.parse_args()
    figures = _prefixed("sqlite", _measure(None, given))
    if url := postgresql_url():
        figures |= _prefixed("postgresql", _measure(url, given))
    report("ingest", figures, given.json)


def _prefixed(name: str, figures: dict[str, float]) -> dict[str, float]:
    return {f"{name}_{key}": value for key, value in figures.items()}


def _measure(postgresql: str | None, given: Any) -> dict[str, float]:
    """Seed and fill a world, then send batches and insert the like directly, in turns."""
    over_http: list[float] = []
    raw: list[float] = []
    with workspace(postgresql) as env:
        small = ("--viewers", "1000", "--contents", "2000", "--days", "3")
        manage(env, "seed_demo", "--quiet", *small)
        fill_events(env, given.stored)
        key = manage(env, "create_key", "bench")
        contents = json.loads(_python(env, _CONTENTS))
        with server(env) as port:
            client = Client(port, key)
            for warm_up in range(10):
                client.timed("POST", "/api/v1/events", _body(random.Random(-warm_up), contents))
            for number in range(given.rounds):
                rng = random.Random(number + 1)
                bodies = [_body(rng, contents) for _ in range(given.batches)]
                over_http += [client.timed("POST", "/api/v1/events", b) / 1000 for b in bodies]
                insert = f"insert_raw({given.batches}, {_BATCH})"
                raw += json.loads(_python(env, f"from benchmarks.raw import insert_raw; {insert}"))
    events_per_s = _BATCH / float(np.median(over_http))
    raw_per_s = _BATCH / float(np.median(raw))
    return {
        "events_per_s": events_per_s,
        "raw_events_per_s": raw_per_s,
        "ratio": events_per_s / raw_per_s,
        "stored": given.stored,
    }


def _python(env: dict[str, str], code: str) -> str:
    return manage(env, "shell", "--no-imports", "-v0", "-c", code).splitlines()[-1]


def _body(rng: random.Random, contents: list[str]) -> bytes:
    """Return a batch of views as a client sends it, with time-ordered event ids."""
    now = time.time()
    stamp = datetime.fromtimestamp(now, UTC).isoformat()
    events = [
        {
            "type": "view",
            "event_id": str(uuid.UUID(int=(int(now * 1000) << 80) | rng.getrandbits(80))),
            "user_id": f"viewer_{rng.randint(1, 999):04d}",
            "content_id": rng.choice(contents),
            "timestamp": stamp,
            "watch_duration": round(rng.random() * 8, 2),  # none is implausible
        }
        for _ in range(_BATCH)
    ]
    return json.dumps(events).encode()


if __name__ == "__main__":
    main()
