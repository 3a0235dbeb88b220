"""What every test may rely on: fresh in-memory state, a client with a key."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.commands import flush as flush_command
from django.db import connection
from django.test import Client, TransactionTestCase
from hypothesis import settings as hypothesis_settings

from apps.core import auth, live
from apps.core.models import Scope
from apps.core.tests.browsing import CHROMIUM, CHROMIUM_ARGS
from apps.feed.conf import PARAMS as FEED_PARAMS

# How long an example takes says how busy the machine is, not whether the code is right.
hypothesis_settings.register_profile("recsys", deadline=None)
hypothesis_settings.load_profile("recsys")
# A password costs a second so that guessing does; the tests of logins fail two hundred times.
PBKDF2PasswordHasher.iterations = 1

_MADE_BY_MIGRATE = {
    model._meta.db_table for model in (ContentType, Permission, Group, Group.permissions.through)
}
# Who asks for one of these may see another database or another Redis than the last run.
_SERVICES = frozenset({"db", "transactional_db", "django_db_setup", "live_server", "redis"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--with-services",
        action="store_true",
        help="leave out the tests that use no database, no Redis and no process of their own",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the slow files first, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    if config.getoption("--with-services"):
        alike = [item for item in items if not _uses_services(item)]
        config.hook.pytest_deselected(items=alike)
        items[:] = [item for item in items if _uses_services(item)]


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what stays until the end."""
    gc.collect()
    gc.freeze()


def _uses_services(item: pytest.Item) -> bool:
    """Say whether a test may end otherwise on another database or with Redis.

    It is complete for the database: pytest-django refuses it to a test without these.
    """
    of_class = getattr(item, "cls", None) or object
    return (
        not _SERVICES.isdisjoint(getattr(item, "fixturenames", ()))
        or any(item.get_closest_marker(name) for name in ("django_db", "slow"))
        or issubclass(of_class, TransactionTestCase)
    )


@pytest.fixture(autouse=True)
def _fresh_state(settings: Any, tmp_path: Path) -> Iterator[None]:
    # Not by the environment: Django has read its settings before this file is imported.
    settings.ARTIFACT_ROOT = tmp_path / "artifacts"
    settings.MEDIA_ROOT = tmp_path / "uploads"
    settings.REFRESH_SECONDS = 0  # every read looks at the database
    live.reset_all()
    auth.forget_keys()
    yield
    live.reset_all()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Give the tests a database that behaves as a served one does, and is emptied quickly.

    SQLite is a file: threads of one that is in memory share a cache, whose locks never wait.
    PostgreSQL is emptied by DELETE: TRUNCATE makes hundreds of new files for each test.
    Rights and roles stay, so that they are not made again after each test.
    """
    if connection.vendor == "sqlite":
        file = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(file)
    operations = type(connection.ops)  # of every connection: threads and servers make others
    by_django = operations.sql_flush

    def sql_flush(self: Any, style: Any, tables: Sequence[str], **options: bool) -> list[str]:
        emptied = [table for table in tables if table not in _MADE_BY_MIGRATE]
        if connection.vendor == "postgresql":
            return _by_delete(emptied)
        return _without_triggers(self, by_django(self, style, emptied, **options))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "sql_flush", sql_flush)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Bring the rows of the migrations back after each flush, in place of what migrating does."""
    with django_db_blocker.unblock():
        others = [m for m in apps.get_models() if m._meta.db_table not in _MADE_BY_MIGRATE]
        made = {model: list(model._default_manager.all()) for model in others}

    def bring_back(*_: Any) -> None:
        for model, rows in made.items():
            model._default_manager.bulk_create(rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush_command, "emit_post_migrate_signal", bring_back)
        yield


# The audit log refuses DELETE, by triggers (moderation/migrations/0002).
def _by_delete(tables: Sequence[str]) -> list[str]:
    verbs = {"moderation_auditentry": "TRUNCATE"}
    return [f'{verbs.get(table, "DELETE FROM")} "{table}";' for table in tables]


def _without_triggers(operations: Any, statements: list[str]) -> list[str]:
    with operations.connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = dict(cursor.fetchall())
    dropped = [f'DROP TRIGGER "{name}"' for name in triggers]
    return [*dropped, *statements, *triggers.values()]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no slot of a feed explore or ask: what is shown is what the ranking says."""
    none = replace(
        FEED_PARAMS, explore_share=0.0, topic_share=0.0, cold_topic_share=0.0, ask_slots=0
    )
    monkeypatch.setattr("apps.feed.dials.PARAMS", none)


@pytest.fixture
def patient_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the cache wait for a Redis that is well, however busy the machine is."""
    monkeypatch.setattr("apps.core.cache.TIMEOUT_SECONDS", 2.0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    # Playwright's event loop runs in this thread, where the tests ask the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Api:
    """A client of the REST API with a key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self._headers())

    def post(self, path: str, body: Any, content_type: str = "application/json") -> Any:
        return self._send("post", path, body, content_type)

    def put(self, path: str, body: Any, content_type: str = "application/json") -> Any:
        return self._send("put", path, body, content_type)

    def _send(self, method: str, path: str, body: Any, content_type: str) -> Any:
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        send = getattr(self.client, method)
        return send(f"/api/v1/{path}", data, content_type=content_type, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}


@pytest.fixture
def api(db: None) -> Api:
    """Return a client whose key may do everything except backfill."""
    scopes = [s for s in Scope.values if s != Scope.EVENTS_BACKFILL]
    return Api(auth.create_key(name="tests", scopes=scopes))


@pytest.fixture
def api_with(db: None) -> Callable[..., Api]:
    """Return what makes a client: `api_with("feed:read")` by scopes, `api_with(key=…)` by key."""

    def make(*scopes: str, key: str | None = None) -> Api:
        return Api(key or auth.create_key(name="tests", scopes=list(scopes)))

    return make
