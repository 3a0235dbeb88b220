"""How soon the counters know an event, and the next page a skip, hide or follow, under load."""

from __future__ import annotations

import json
import random
import re
import sys
import threading
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

from benchmarks.common import Client, manage, parser, report, server, workspace

_PER_SECOND = 1000
_BATCH = 100
_CONTENTS = """
import json
from apps.content.models import Content
print(json.dumps(list(Content.objects.values_list("content_id", flat=True))))
"""


class Load:
    """Posts events at a steady rate and notes when how many were acknowledged."""

    def __init__(self, port: int, key: str, contents: list[str], seconds: float) -> None:
        self.acknowledged: list[tuple[float, int]] = []  # moment of the 202, events so far
        self.thread = threading.Thread(target=self._post, args=(port, key, contents, seconds))

    def _post(self, port: int, key: str, contents: list[str], seconds: float) -> None:
        client, rng, total = Client(port, key), random.Random(1), 0
        start = time.perf_counter()
        for number in range(round(seconds * _PER_SECOND / _BATCH)):
            time.sleep(max(start + number * _BATCH / _PER_SECOND - time.perf_counter(), 0))
            status, answer = client.request("POST", "/api/v1/events", _views(rng, contents))
            if status != 202:
                raise RuntimeError(f"POST events: {status} {answer[:300]!r}")
            total += json.loads(answer)["accepted"]
            self.acknowledged.append((time.perf_counter(), total))


def _views(rng: random.Random, contents: list[str]) -> bytes:
    events = [
        {
            "type": "view",
            "event_id": str(uuid.UUID(int=rng.getrandbits(128))),
            "user_id": f"viewer_{rng.randint(1, 999):04d}",
            "content_id": rng.choice(contents),
            "watch_duration": round(rng.random() * 30, 2),
        }
        for _ in range(_BATCH)
    ]
    return json.dumps(events).encode()


def _counted(client: Client) -> int:
    return int(json.loads(client.request("GET", "/readyz")[1])["loaded"]["events_counted"])


def _watch(client: Client, load: Load, seen: list[tuple[float, int]], before: int) -> None:
    """Note how many events the counters hold, until all that were acknowledged are in them."""
    deadline = time.perf_counter() + 300
    while time.perf_counter() < deadline:
        seen.append((time.perf_counter(), _counted(client) - before))
        if not load.thread.is_alive() and seen[-1][1] >= load.acknowledged[-1][1]:
            return
        time.sleep(0.05)
    raise RuntimeError("the counters did not catch up within five minutes")


def _sessions_lag(client: Client) -> float:
    text = client.request("GET", "/metrics")[1].decode()
    found = re.search(r'recsys_consumer_lag_seconds\{consumer="sessions"\} (\S+)', text)
    if found is None:
        raise RuntimeError("/metrics does not tell the lag of the sessions")
    return float(found[1])


def _feedback_counts(client: Client, kind: str, number: int) -> bool:
    """Say whether a stranger's next page knows what they did on the first one."""
    user = f"{kind}-{number}"
    items = _page(client, user)
    first = items[0]
    event = {"type": kind, "user_id": user, "content_id": first["content_id"]}
    if kind == "follow":
        event = {"type": kind, "user_id": user, "creator_id": first["creator_id"]}
    client.timed("POST", "/api/v1/events", json.dumps([event]).encode())
    following = _page(client, user, limit=50)
    if kind == "follow":
        return any(item["creator_id"] == first["creator_id"] for item in following)
    if kind == "hide":
        return all(item["creator_id"] != first["creator_id"] for item in following)
    return all(item["content_id"] != first["content_id"] for item in following)


def _page(client: Client, user: str, *, limit: int = 10) -> list[dict[str, str]]:
    status, answer = client.request("GET", f"/api/v1/feed?user_id={user}&limit={limit}")
    if status != 200:
        raise RuntimeError(f"GET feed: {status} {answer[:300]!r}")
    items: list[dict[str, str]] = json.loads(answer)["items"]
    return items


def main() -> None:
    """Seed, train, serve, post a thousand events a second and look."""
    arguments = parser(__doc__)
    arguments.add_argument("--seconds", type=float, default=20)
    given = arguments.parse_args()
    with workspace() as env:
        world = ("--viewers", "1000", "--contents", "2000", "--days", "3")
        manage(env, "seed_demo", "--quiet", *world)
        manage(env, "train", "--quiet")
        key = manage(env, "create_key", "bench")
        contents = json.loads(manage(env, "shell", "--no-imports", "-v0", "-c", _CONTENTS))
        with server(env) as port:
            client = Client(port, key)
            while _sessions_lag(client) > 0:  # the seeded history is taken in first
                time.sleep(0.5)
            before = _counted(client)
            load, seen = Load(port, key, contents, given.seconds), [(0.0, 0)]
            watcher = threading.Thread(target=_watch, args=(Client(port, key), load, seen, before))
            load.thread.start()
            watcher.start()
            known: list[bool] = []
            lags: list[float] = []
            while load.thread.is_alive():
                kind = ("skip", "hide", "follow")[len(known) % 3]
                known.append(_feedback_counts(client, kind, len(known)))
                lags.append(_sessions_lag(client))
                time.sleep(0.1)
            watcher.join()
    moments = np.array([moment for moment, _ in seen])
    counts = np.maximum.accumulate([count for _, count in seen])
    acknowledged = np.array([moment for moment, _ in load.acknowledged])
    shown = moments[np.searchsorted(counts, [total for _, total in load.acknowledged])]
    waited = np.repeat(np.maximum(shown - acknowledged, 0), _BATCH)
    spent = acknowledged[-1] - acknowledged[0]
    report(
        "freshness",
        {
            "events": len(waited),
            "events_per_s": float((len(waited) - _BATCH) / spent),
            "counters_p50_s": float(np.median(waited)),
            "counters_p95_s": float(np.percentile(waited, 95)),
            "counters_max_s": float(waited.max()),
            "sessions_lag_max_s": max(lags),
            "feedback_pages": len(known),
            "feedback_in_next_page": float(np.mean(known)),
        },
        given.json,
    )


if __name__ == "__main__":
    main()
