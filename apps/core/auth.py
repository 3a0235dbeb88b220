"""Who calls the API: a scoped server key, or a short-lived token bound to one viewer."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core import signing
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.core.errors import Problem
from apps.core.models import ApiKey

KEY_CACHE_SECONDS = 5.0  # a revoked key works no longer than this
CLIENT_TOKEN_SCOPES = frozenset({"feed:read", "events:write", "federation:join"})
MAX_CLIENT_TOKEN_SECONDS = 3600
_CLIENT_TOKEN_PREFIX = "ct_"  # noqa: S105  not a secret, the mark of one
_SALT = "recsys.client-token"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a request."""

    name: str
    scopes: frozenset[str]
    user_id: str | None = None  # the one viewer that a client token speaks for

    def check_user(self, user_id: str) -> None:
        """Raise 403 when a client token names another viewer than its own."""
        if self.user_id is not None and self.user_id != user_id:
            raise Problem(403, "wrong-user", "This token speaks for another user_id.")


def create_key(*, name: str, scopes: list[str]) -> str:
    """Store a new server key (hashed) and return its one and only plain text."""
    prefix, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    ApiKey.objects.create(name=name, prefix=prefix, digest=_digest(secret), scopes=scopes)
    return f"rk_{prefix}_{secret}"


def client_token(user_id: str, *, ttl_seconds: int) -> str:
    """Return a signed token that speaks for `user_id`: feed, events, training on their device."""
    expires = int(time.time()) + min(ttl_seconds, MAX_CLIENT_TOKEN_SECONDS)
    return _CLIENT_TOKEN_PREFIX + signing.dumps({"u": user_id, "e": expires}, salt=_SALT)


def principal_of(request: Request) -> Principal:
    """Return the caller; permission checks have made sure that there is one."""
    principal: Principal = request.auth  # type: ignore[assignment]
    return principal


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer rk_…` (server key) or `ct_…` (client token)."""

    def authenticate(self, request: Request) -> tuple[None, Principal] | None:
        """Return the caller, None without a header; raise 401 for a bad one."""
        scheme, _, credential = get_authorization_header(request).decode("latin-1").partition(" ")
        if not scheme:
            return None
        if scheme.lower() != "bearer" or not credential:
            raise AuthenticationFailed("Expected 'Authorization: Bearer <key>'.")
        if credential.startswith(_CLIENT_TOKEN_PREFIX):
            return None, _token_principal(credential.removeprefix(_CLIENT_TOKEN_PREFIX))
        return None, _key_principal(credential)

    def authenticate_header(self, request: Request) -> str:
        """Make DRF answer 401, not 403."""
        return "Bearer"


class HasScope(BasePermission):
    """Allow what the view's `required_scopes` names for the method, and nothing else."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Raise 401 without a caller and 403 without the scope."""
        if request.auth is None:
            raise NotAuthenticated
        scopes: dict[str, str] = getattr(view, "required_scopes", {})
        needed = scopes.get("GET" if request.method == "HEAD" else request.method or "")
        if needed is None:
            raise MethodNotAllowed(request.method or "")
        if needed in principal_of(request).scopes:
            return True
        raise Problem(403, "missing-scope", f"This needs a key with the scope '{needed}'.")


_known_keys: dict[str, tuple[float, ApiKey]] = {}


def forget_keys() -> None:
    """Drop the cache of keys (tests, or a key revoked in this process)."""
    _known_keys.clear()


def _key_principal(credential: str) -> Principal:
    parts = credential.split("_", 2)
    key = _find_key(parts[1]) if len(parts) == 3 and parts[0] == "rk" else None
    digest = key.digest if key else "0" * 64
    matches = hmac.compare_digest(_digest(parts[-1]), digest)
    if key is None or not matches or not key.is_usable(timezone.now()):
        raise AuthenticationFailed("Unknown, expired or revoked key.")
    return Principal(key.name, frozenset(key.scopes))


def _find_key(prefix: str) -> ApiKey | None:
    now = time.monotonic()
    loaded_at, key = _known_keys.get(prefix, (0.0, None))
    if key is not None and now - loaded_at < KEY_CACHE_SECONDS:
        return key
    key = ApiKey.objects.filter(prefix=prefix).first()
    if key is None:
        _known_keys.pop(prefix, None)
        return None
    _known_keys[prefix] = (now, key)
    stale = timezone.now() - timedelta(minutes=1)
    if key.last_used_at is None or key.last_used_at < stale:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now())
    return key


def _token_principal(token: str) -> Principal:
    try:
        claims = signing.loads(token, salt=_SALT)
    except signing.BadSignature as error:
        raise AuthenticationFailed("The client token is forged or damaged.") from error
    if claims["e"] < time.time():
        raise AuthenticationFailed("The client token has expired; ask for a new one.")
    return Principal("client", CLIENT_TOKEN_SCOPES, claims["u"])


def _digest(secret: str) -> str:
    # 256 bits of entropy: a plain hash cannot be reversed, and costs a microsecond.
    return hashlib.sha256(secret.encode()).hexdigest()
