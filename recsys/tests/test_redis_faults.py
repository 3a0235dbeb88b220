"""Redis stopped, frozen, emptied or answering nonsense: feeds are the same, and wait for it once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from apps.content.tests.factories import make_contents
from apps.core import live
from apps.core.cache import PAUSE_SECONDS
from apps.core.clock import now_ms
from apps.core.tests.processes import env_of_test, request, served
from apps.core.tests.redis_server import RedisServer, nonsense_server, own_redis
from apps.events.tests.factories import make_event, send
from apps.features import selectors as features
from apps.features.reader import StatsReader
from apps.features.services import snapshot_counters
from apps.features.snapshot import path_of_file

N_REQUESTS = 10  # far more than a Redis that fails may be asked while they are served


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with own_redis() as started:
        yield started


def end(redis: RedisServer) -> None:
    redis.end()


def freeze(redis: RedisServer) -> None:
    redis.stop_answering()


def empty(redis: RedisServer) -> None:
    redis.flush()


def nothing(redis: RedisServer) -> None:
    pass


def _failures() -> float:
    return REGISTRY.get_sample_value("recsys_cache_total", {"outcome": "error"}) or 0.0


# Committed: on PostgreSQL a reader sees no event of a transaction that is still running.
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("still")
class TestFeed:
    @pytest.fixture(autouse=True)
    def _world(self, settings: Any) -> None:
        settings.REDIS_URL = ""
        at_ms = now_ms() - 3_600_000
        make_contents(30, now_ms=at_ms)
        for i in range(20):
            kind = ("view", "like", "share")[i % 3]
            send(
                make_event(kind, at_ms, content_id=f"v{i * i % 30}", user_id=f"user{i}"),
                now_ms=at_ms,
            )

    def ask(self, api: Any, who: str) -> list[tuple[str, str]]:
        """Return a stranger's page of a new process; Redis may hold few of those who ask.

        Each time other strangers: what was served to one is not served again.
        """
        live.reset_all()
        path_of_file().unlink(missing_ok=True)  # what a new pod finds
        started, failures, pages = time.monotonic(), _failures(), []
        features.stats()  # as `recsys.wsgi` does before it serves
        for i in range(N_REQUESTS):
            answer = api.get("feed", user_id=f"{who}{i}", limit=10)
            assert answer.status_code == 200
            pages.append([(item["content_id"], item["source"]) for item in answer.json()["items"]])
        assert all(sorted(page) == sorted(pages[0]) for page in pages)
        assert _failures() - failures <= _most_failures(time.monotonic() - started)
        return pages[0]

    @pytest.mark.parametrize("fault", [nothing, end, freeze, empty])
    def test_pages_are_those_without_redis_and_do_not_wait_for_it(
        self, api: Any, settings: Any, redis: RedisServer, fault: Callable[[RedisServer], None]
    ) -> None:
        expected = self.ask(api, "before")
        settings.REDIS_URL = redis.url
        snapshot_counters(at_least=1)
        fault(redis)

        assert self.ask(api, "after") == expected

    def test_server_that_talks_nonsense_is_no_harm(self, api: Any, settings: Any) -> None:
        expected = self.ask(api, "before")
        with nonsense_server() as url:
            settings.REDIS_URL = url
            assert self.ask(api, "after") == expected

    @pytest.mark.usefixtures("patient_cache")
    def test_new_process_without_the_file_starts_from_the_cached_copy(
        self, settings: Any, redis: RedisServer
    ) -> None:
        settings.REDIS_URL = redis.url
        assert snapshot_counters(at_least=1) > 0
        path_of_file().unlink()

        found = StatsReader.from_snapshot()

        assert found.stats.n_events == 20
        assert found.watermark == StatsReader().read_on().watermark

    @pytest.mark.usefixtures("patient_cache")
    def test_readiness_names_a_redis_that_does_not_answer(
        self, client: Any, settings: Any, redis: RedisServer
    ) -> None:
        settings.REDIS_URL = redis.url
        assert "redis" not in client.get("/readyz").json()["degraded"]
        redis.stop_answering()

        answer = client.get("/readyz")

        assert answer.status_code == 200
        assert "does not answer" in answer.json()["degraded"]["redis"]
        assert features.stats().n_events == 20


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_server_whose_broker_is_frozen_takes_events_and_serves_feeds(
    api: Any, redis: RedisServer, tmp_path: Path
) -> None:
    make_contents(30, now_ms=now_ms() - 3_600_000)
    with served(env_of_test(tmp_path, redis_url=redis.url)) as port:
        _use(port, api.key)
        connected = redis.n_connections()
        redis.stop_answering()
        started = time.monotonic()
        _use(port, api.key)
        status, ready = request(port, "GET", "/readyz")
        most = _most_failures(time.monotonic() - started)
        redis.answer_again()

    assert status == 200
    assert "redis" in ready["degraded"]
    assert redis.n_connections() - connected <= most


def _use(port: int, key: str) -> None:
    """Post an event and ask for the feed, 20 times; all must work.

    A frozen Redis holds whoever asks it for .1 s; were it asked each time, that would be 40 times.
    """
    event = {"type": "like", "user_id": "alice", "content_id": "v1"}
    for i in range(20):
        events = [{**event, "event_id": f"{i} at {now_ms()}"}]
        posted, _ = request(port, "POST", "/api/v1/events", events, key)
        status, page = request(port, "GET", f"/api/v1/feed?user_id=user{i}&limit=5", key=key)
        assert (posted, status, len(page["items"])) == (202, 200, 5)


def _most_failures(seconds: float) -> float:
    """Return how often a Redis that fails is asked at most: once, and once after each pause."""
    return 1 + seconds / PAUSE_SECONDS
