"""Locust: the virtual viewers of `simulate` against a served demo, arriving as an open model.

Viewers come at a rate, whether or not the server keeps up (a closed model would come less often to
a slow server and hide it). Each opens the app once, goes through pages until patience runs out and
posts what happened. `make load` runs it; LOAD_ARRIVALS is viewers a second, LOAD_SPEED how much
faster than in life they watch.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

import gevent
import numpy as np
from locust import FastHttpUser, LoadTestShape, task
from locust.exception import StopUser

from apps.simulation.loop.api import Api
from apps.simulation.loop.viewer import VirtualViewer
from apps.simulation.world import WorldParams, build_world

ARRIVALS = float(os.environ.get("LOAD_ARRIVALS", "5"))  # viewers a second
SPEED = float(os.environ.get("LOAD_SPEED", "20"))
SECONDS = float(os.environ.get("LOAD_SECONDS", "60"))
KEY = os.environ["LOAD_KEY"]  # may read feeds and write events

WORLD = build_world(WorldParams())  # that of `seed_demo`: ids do not depend on the day
ROWS = {content_id: row for row, content_id in enumerate(WORLD.contents.id)}


class Viewer(FastHttpUser):
    """One visit of one viewer."""

    @task
    def visit(self) -> None:
        """Open the app, watch until patience runs out, leave for good."""
        seed = random.getrandbits(32)
        viewer = VirtualViewer(WORLD, seed % len(WORLD.viewers.id), seed=seed)
        api, cursor = Api(self._send), None
        viewer.open()
        while viewer.is_watching:
            page = api.feed(viewer.id, cursor=cursor, **viewer.context())
            rows = np.array([ROWS[i] for i in page.content_ids if i in ROWS], int)
            watched = viewer.watch(rows, (now_ms := _now_ms()), request_id=page.request_id)
            cursor = page.cursor
            gevent.sleep((watched.through_ms - now_ms) / 1000 / SPEED)
            if watched.events:
                api.post_events(_at_this_speed(watched.events))
        raise StopUser

    def _send(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        answer = self.client.request(
            method,
            path,
            data=body or None,
            headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
            name=path.partition("?")[0],
        )
        return answer.status_code, answer.content or b""


class OpenArrivals(LoadTestShape):
    """A Poisson number of new viewers each second, beside those who are still watching."""

    def tick(self) -> tuple[int, float] | None:
        """Return how many viewers there are to be."""
        if self.get_run_time() > SECONDS:
            return None
        new = int(np.random.default_rng().poisson(ARRIVALS))
        return self.get_current_user_count() + new, 100.0


def _at_this_speed(events: list[dict]) -> list[dict]:
    """Leave the times to the server: at this speed they would lie in the future."""
    return [{k: v for k, v in event.items() if k != "timestamp"} for event in events]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
