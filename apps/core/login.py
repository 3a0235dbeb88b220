"""The login of staff, which is refused for a while after many have failed.

A browser in which somebody has logged in keeps a signed cookie. Failures in it count against it
alone, and those of others do not count in it: whoever fails on purpose under a name, or from an
address that many share, keeps nobody out who has been in.
"""

from __future__ import annotations

import math
import secrets
from typing import Any, cast

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from apps.core import lockout
from apps.core.clock import now_ms

_COOKIE = "known_device"
_COOKIE_SECONDS = 180 * 86_400
_SALT = "recsys.known-device"


class LoginForm(AdminAuthenticationForm):
    """The login form of the admin; says so where logins are refused, whatever the password."""

    def clean(self) -> dict[str, Any]:
        """Check name and password, unless too many logins have failed."""
        request = cast("HttpRequest", self.request)  # the view gives it
        keys = _keys(request, self.cleaned_data.get("username") or "")
        if refused_ms := lockout.refused_ms(keys.values(), now_ms=now_ms()):
            minutes = math.ceil(refused_ms / 60_000)
            raise ValidationError(
                f"Too many logins have failed. Try again in {minutes} min.", code="refused"
            )
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            lockout.note_failure(keys.values(), now_ms=now_ms())
            raise
        if self.get_user() is not None:  # else a field is empty, and nothing was tried
            # Not what the address failed at: of many names one may be an attacker's own.
            for kind in keys.keys() - {"address"}:
                lockout.forgive(keys[kind])
        return cleaned


def login(request: HttpRequest) -> HttpResponse:
    """Show the login page; mark the browser of who comes in."""
    response: HttpResponse = admin.site.login(request)
    user = request.user
    if request.method == "POST" and user.is_authenticated:
        response.set_cookie(
            _COOKIE,
            signing.dumps([user.get_username(), secrets.token_hex(8)], salt=_SALT),
            max_age=_COOKIE_SECONDS,
            path=request.path,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def _keys(request: HttpRequest, name: str) -> dict[str, str]:
    """Return what a login counts under, by kind."""
    if device := _device(request, name):
        found = {"device": device}
    else:
        found = {"account": name.casefold(), "address": _address(request)}
    return {kind: lockout.key_of(kind, value) for kind, value in found.items() if value}


def _device(request: HttpRequest, name: str) -> str:
    """Return the mark of a browser in which this account was logged in, empty for another."""
    try:
        account, mark = signing.loads(
            request.COOKIES.get(_COOKIE, ""), salt=_SALT, max_age=_COOKIE_SECONDS
        )
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(mark) if account == name else ""


def _address(request: HttpRequest) -> str:
    """Return where the request comes from; what the proxy added last, where one is trusted."""
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.TRUST_PROXY else ""
    return forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))
