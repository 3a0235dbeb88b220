"""Who may call what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apps.core import auth
from apps.core.auth import client_token, create_key
from apps.core.models import ApiKey, Scope

pytestmark = pytest.mark.django_db

FEED = "/api/v1/feed?user_id=alice"


def get(credential: str | None, address: str = FEED) -> Any:
    headers = {} if credential is None else {"authorization": credential}
    return Client().get(address, headers=headers)


def assert_problem(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code


class TestServerKey:
    def test_key_with_the_scope_is_let_in(self) -> None:
        assert get(f"Bearer {create_key(name='k', scopes=['feed:read'])}").status_code == 200

    def test_scheme_is_read_in_any_case(self) -> None:
        assert get(f"bearer {create_key(name='k', scopes=['feed:read'])}").status_code == 200

    def test_caller_without_a_key_is_asked_for_one(self) -> None:
        answer = get(None)

        assert_problem(answer, 401, "not-authenticated")
        assert answer["WWW-Authenticate"] == "Bearer"

    @pytest.mark.parametrize(
        "credential",
        [
            "Bearer rk_00000000_wrong",
            "Bearer rk_",
            "Bearer rk__",
            "Bearer nonsense",
            "Bearer ",
            "Bearer",
            "Basic YWxpY2U6c2VjcmV0",
            "Bearer ké_é_é",
            "Bearer ct_",
            "Bearer ct_a:b:c",
            "Bearer rk_' OR 1=1 --_x",
        ],
    )
    def test_wrong_credential_is_refused(self, credential: str) -> None:
        assert_problem(get(credential), 401, "authentication-failed")

    def test_right_prefix_with_a_wrong_secret_is_refused(self) -> None:
        key = create_key(name="k", scopes=["feed:read"])

        assert_problem(get(f"Bearer {key[:-1]}!"), 401, "authentication-failed")

    def test_unknown_and_wrong_keys_are_told_the_same(self) -> None:
        key = create_key(name="k", scopes=["feed:read"])

        unknown, wrong = get("Bearer rk_00000000_x"), get(f"Bearer {key}x")

        assert unknown.content == wrong.content

    def test_revoked_key_is_refused(self) -> None:
        key = create_key(name="k", scopes=["feed:read"])
        ApiKey.objects.update(revoked_at=timezone.now())

        assert_problem(get(f"Bearer {key}"), 401, "authentication-failed")

    def test_key_revoked_while_it_is_cached_is_refused_soon(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = create_key(name="k", scopes=["feed:read"])
        assert get(f"Bearer {key}").status_code == 200
        ApiKey.objects.update(revoked_at=timezone.now())

        monkeypatch.setattr(auth, "KEY_CACHE_SECONDS", 0.0)  # as if the seconds had gone by

        assert_problem(get(f"Bearer {key}"), 401, "authentication-failed")

    def test_expired_key_is_refused_even_while_it_is_cached(self) -> None:
        key = create_key(name="k", scopes=["feed:read"])
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

        assert_problem(get(f"Bearer {key}"), 401, "authentication-failed")

    def test_key_before_its_expiry_is_let_in(self) -> None:
        key = create_key(name="k", scopes=["feed:read"])
        ApiKey.objects.update(expires_at=timezone.now() + timedelta(minutes=1))

        assert get(f"Bearer {key}").status_code == 200

    def test_key_without_the_scope_is_refused(self) -> None:
        key = create_key(name="k", scopes=["events:write", "content:write"])

        answer = get(f"Bearer {key}")

        assert_problem(answer, 403, "missing-scope")
        assert "feed:read" in answer.json()["detail"]

    @pytest.mark.parametrize(
        ("method", "address", "scope"),
        [
            ("get", "feed?user_id=alice", "feed:read"),
            ("post", "events", "events:write"),
            ("put", "content/v1", "content:write"),
            ("post", "content/batch", "content:write"),
            ("put", "users/alice", "users:write"),
            ("post", "users/batch", "users:write"),
            ("post", "client-tokens", "users:write"),
        ],
    )
    def test_every_address_asks_for_its_own_scope(
        self, method: str, address: str, scope: str, api_with: Callable[..., Any]
    ) -> None:
        others = [s for s in Scope.values if s != scope]
        headers = {"authorization": f"Bearer {create_key(name='k', scopes=others)}"}

        answer = getattr(Client(), method)(f"/api/v1/{address}", headers=headers)

        assert_problem(answer, 403, "missing-scope")

    def test_key_is_nowhere_stored_in_plain(self) -> None:
        key = create_key(name="k", scopes=["feed:read"])
        secret = key.split("_", 2)[2]

        stored = ApiKey.objects.values().get()

        assert all(secret not in str(value) for value in stored.values())

    def test_keys_differ(self) -> None:
        keys = {create_key(name="k", scopes=[]) for _ in range(20)}

        assert len(keys) == 20

    def test_use_of_a_key_is_noted(self) -> None:
        key = create_key(name="k", scopes=["feed:read"])

        get(f"Bearer {key}")

        assert ApiKey.objects.get().last_used_at is not None

    def test_command_prints_a_key_that_works(self) -> None:
        out = StringIO()

        call_command("create_key", "k", "--scopes", "feed:read", stdout=out)

        assert get(f"Bearer {out.getvalue().strip()}").status_code == 200
        assert ApiKey.objects.get().scopes == ["feed:read"]


class TestClientToken:
    def test_token_reads_the_feed_of_its_viewer(self) -> None:
        assert get(f"Bearer {client_token('alice', ttl_seconds=60)}").status_code == 200

    def test_token_of_another_viewer_is_refused(self) -> None:
        assert_problem(get(f"Bearer {client_token('mallory', ttl_seconds=60)}"), 403, "wrong-user")

    def test_expired_token_is_refused(self) -> None:
        answer = get(f"Bearer {client_token('alice', ttl_seconds=-1)}")

        assert_problem(answer, 401, "authentication-failed")
        assert "expired" in answer.json()["detail"]

    @pytest.mark.parametrize("at", [4, 20, -1])
    def test_tampered_token_is_refused(self, at: int) -> None:
        token = client_token("alice", ttl_seconds=60)
        place = at % len(token)
        other = "A" if token[place] != "A" else "B"

        answer = get(f"Bearer {token[:place]}{other}{token[place + 1 :]}")

        assert_problem(answer, 401, "authentication-failed")

    def test_feed_cursor_is_no_token(self) -> None:
        from django.core import signing

        forged = signing.dumps({"u": "alice", "e": 9_999_999_999}, salt="recsys.feed-cursor")

        assert_problem(get(f"Bearer ct_{forged}"), 401, "authentication-failed")

    def test_token_may_not_write_contents_or_users(self, api_with: Callable[..., Any]) -> None:
        device = api_with(key=client_token("alice", ttl_seconds=60))

        assert_problem(device.put("content/v1", {"creator_id": "bob"}), 403, "missing-scope")
        assert_problem(device.put("users/alice", {}), 403, "missing-scope")
        assert_problem(device.post("client-tokens", {"user_id": "bob"}), 403, "missing-scope")

    def test_token_is_issued_to_a_server_and_lasts_as_asked(
        self, api_with: Callable[..., Any]
    ) -> None:
        answer = api_with("users:write").post("client-tokens", {"user_id": "alice", "ttl": 90})

        assert answer.status_code == 201
        assert answer.json()["expires_in"] == 90
        assert get(f"Bearer {answer.json()['token']}").status_code == 200

    @pytest.mark.parametrize(
        "asked", [{}, {"user_id": ""}, {"user_id": "a", "ttl": 0}, {"user_id": "a", "ttl": 3601}]
    )
    def test_token_is_not_issued_on_a_bad_request(
        self, asked: dict[str, Any], api_with: Callable[..., Any]
    ) -> None:
        assert_problem(api_with("users:write").post("client-tokens", asked), 422, "invalid")

    def test_token_never_lasts_longer_than_an_hour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        token = client_token("alice", ttl_seconds=10**9)
        real = auth.time.time()
        monkeypatch.setattr(auth.time, "time", lambda: real + 3601)

        assert_problem(get(f"Bearer {token}"), 401, "authentication-failed")
