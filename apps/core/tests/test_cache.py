"""Redis as an optional cache: what it says when all is well, and that nothing waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import REGISTRY
from redis import Redis

from apps.core import cache as module
from apps.core.cache import MAX_BYTES, PAUSE_SECONDS, Cache, cache
from apps.core.sealed import seal
from apps.core.tests.redis_server import RedisServer, free_port, own_redis


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with own_redis() as started:
        yield started


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the test say what time it is."""
    moment = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: moment[0])
    return moment


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("recsys_cache_total", {"outcome": outcome}) or 0.0


def test_there_is_no_cache_without_redis(settings: Any) -> None:
    settings.REDIS_URL = ""

    assert cache() is None


def test_one_cache_is_shared_by_all_who_ask(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert cache() is cache()


@pytest.mark.usefixtures("patient_cache")
class TestWithRedis:
    def test_what_was_put_is_got(self, redis: RedisServer) -> None:
        store = Cache(redis.url)

        assert store.put("key", b"\0payload", version="1")
        assert store.get("key", version="1") == b"\0payload"
        assert store.answers()

    def test_unknown_key_is_a_miss(self, redis: RedisServer) -> None:
        before = counted("miss")

        assert Cache(redis.url).get("nothing", version="1") is None
        assert counted("miss") == before + 1

    @pytest.mark.parametrize(
        "value",
        [
            b"x",
            b"\x80\x04pickle",
            seal(b"payload", version="2"),
            seal(b"payload", version="1")[:-1],
        ],
        ids=["short", "pickle", "other version", "cut"],
    )
    def test_poisoned_value_is_a_miss(self, redis: RedisServer, value: bytes) -> None:
        Redis.from_url(redis.url).set("key", value)
        before = counted("garbled")

        assert Cache(redis.url).get("key", version="1") is None
        assert counted("garbled") == before + 1

    def test_value_over_the_limit_is_neither_stored_nor_read(
        self, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Cache(redis.url).put("large", b"x" * 3000, version="1")
        monkeypatch.setattr(module, "MAX_BYTES", 2000)

        assert not Cache(redis.url).put("larger", b"x" * 3000, version="1")
        assert Cache(redis.url).get("large", version="1") is None
        assert MAX_BYTES > 2000

    def test_key_of_another_type_is_a_miss(self, redis: RedisServer) -> None:
        Redis.from_url(redis.url).lpush("list", "a")

        assert Cache(redis.url).get("list", version="1") is None


class TestCircuit:
    def test_nobody_tries_for_a_while_after_a_failure(self, clock: list[float]) -> None:
        store = Cache(f"redis://127.0.0.1:{free_port()}/0")
        errors, skipped = counted("error"), counted("skipped")

        assert [store.get("key", version="1") for _ in range(5)] == [None] * 5

        assert counted("error") == errors + 1
        assert counted("skipped") == skipped + 4

    def test_one_tries_after_the_pause(self, clock: list[float]) -> None:
        store = Cache(f"redis://127.0.0.1:{free_port()}/0")
        store.get("key", version="1")
        errors = counted("error")

        clock[0] += PAUSE_SECONDS
        for _ in range(5):
            store.get("key", version="1")

        assert counted("error") == errors + 1

    def test_only_one_is_let_through_while_the_probe_is_under_way(self, clock: list[float]) -> None:
        store = Cache(f"redis://127.0.0.1:{free_port()}/0")
        store.get("key", version="1")

        clock[0] += PAUSE_SECONDS

        assert [store._may_try() for _ in range(3)] == [True, False, False]

    @pytest.mark.usefixtures("patient_cache")
    def test_redis_that_is_back_is_used_again(self, redis: RedisServer, clock: list[float]) -> None:
        store = Cache(redis.url)
        store.put("key", b"a", version="1")
        redis.stop_answering()
        assert store.get("key", version="1") is None

        redis.answer_again()
        assert store.get("key", version="1") is None  # still the pause
        clock[0] += PAUSE_SECONDS

        assert [store.get("key", version="1") for _ in range(2)] == [b"a", b"a"]
