"""Events a second over HTTP in batches of 500, against raw `bulk_create` of the same rows."""

from __future__ import annotations

import json
import random
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from benchmarks.common import Client, manage, parser, report, server, workspace

_BATCH = 500
_CONTENTS = """
import json
from apps.content.models import Content
print(json.dumps(list(Content.objects.values_list("content_id", flat=True))))
"""
_RAW = """
import json, time, uuid
from apps.events.models import Event
from apps.content.models import Content
from apps.profiles.models import Viewer
contents = list(Content.objects.values_list("pk", flat=True)[:1000])
viewers = list(Viewer.objects.values_list("pk", flat=True)[:1000])
times = []
for batch in range({batches}):
    now = int(time.time() * 1000)
    rows = [
        Event(
            event_key=uuid.UUID(int=(now << 80) | uuid.uuid4().int >> 48), kind=1,
            viewer_id=viewers[(batch * 7 + i) % len(viewers)],
            content_id=contents[(batch * 13 + i) % len(contents)],
            occurred_ms=now, received_ms=now, watch_seconds=3.5,
        )
        for i in range(500)
    ]
    start = time.perf_counter()
    Event.objects.bulk_create(rows)
    times.append(time.perf_counter() - start)
print(json.dumps(times))
"""


def main() -> None:
    """Seed a small world, then send batches and insert the like directly, in turns."""
    arguments = parser(__doc__)
    arguments.add_argument("--batches", type=int, default=40)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    with workspace() as env:
        manage(
            env, "seed_demo", "--quiet", "--viewers", "1000", "--contents", "2000", "--days", "3"
        )
        key = manage(env, "create_key", "bench")
        contents = json.loads(manage(env, "shell", "--no-imports", "-v0", "-c", _CONTENTS))
        over_http: list[float] = []
        raw: list[float] = []
        with server(env) as port:
            client = Client(port, key)
            client.timed("POST", "/api/v1/events", _body(random.Random(0), contents))
            for number in range(given.rounds):
                rng = random.Random(number + 1)
                bodies = [_body(rng, contents) for _ in range(given.batches)]
                over_http += [client.timed("POST", "/api/v1/events", b) / 1000 for b in bodies]
                code = _RAW.replace("{batches}", str(given.batches))
                printed = manage(env, "shell", "--no-imports", "-v0", "-c", code)
                raw += json.loads(printed.splitlines()[-1])
    events_per_s = _BATCH / float(np.median(over_http))
    raw_per_s = _BATCH / float(np.median(raw))
    report(
        "ingest",
        {
            "events_per_s": events_per_s,
            "raw_events_per_s": raw_per_s,
            "ratio": events_per_s / raw_per_s,
        },
        given.json,
    )


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
            "watch_duration": round(rng.random() * 30, 2),
        }
        for _ in range(_BATCH)
    ]
    return json.dumps(events).encode()


if __name__ == "__main__":
    main()
