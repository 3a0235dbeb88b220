"""The playable "For You" preview at `/`."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.core.auth import MAX_CLIENT_TOKEN_SECONDS, client_token
from apps.core.clock import now_ms
from apps.feed.modes import FOR_YOU
from apps.feed.statement import statement

_SESSION_KEY = "preview_user"
_TABS = {FOR_YOU: "For You", "following": "Following"}
_MAX_NAME = 100  # characters; a user id has up to 128


@never_cache  # holds a token
@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """Show the feed of one viewer: `?user=NAME`, else a visitor of this browser session.

    `?mode=following` shows what the creators they follow made.
    """
    is_staff = bool(getattr(request.user, "is_staff", False))
    if not (settings.PREVIEW_IS_PUBLIC or is_staff):
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    if "new" in request.GET:
        request.session[_SESSION_KEY] = _new_visitor()
        return redirect("preview")
    user_id = _viewer(request, is_trusted=is_staff or settings.DEBUG)
    mode = request.GET.get("mode", FOR_YOU)
    mode = mode if mode in _TABS else FOR_YOU
    return render(
        request,
        "feed/preview.html",
        {
            "mode": mode,
            "title": _TABS[mode],
            "tabs": [_tab(request, name, is_current=name == mode) for name in _TABS],
            "user_id": user_id,
            "token": client_token(user_id, ttl_seconds=MAX_CLIENT_TOKEN_SECONDS),
            "now_ms": now_ms(),
            "media_origins": " ".join(sorted(settings.MEDIA_ORIGINS)),
        },
    )


@require_safe
def about(request: HttpRequest) -> HttpResponse:
    """Say in plain words what the feed is ordered by, to anybody (DSA art. 27)."""
    return render(request, "feed/about.html", {"statement": statement()})


def _tab(request: HttpRequest, mode: str, *, is_current: bool) -> dict[str, Any]:
    asked = {"user": request.GET["user"]} if "user" in request.GET else {}
    href = f"?{urlencode({**asked, 'mode': mode})}"
    return {"title": _TABS[mode], "href": href, "is_current": is_current}


def _viewer(request: HttpRequest, *, is_trusted: bool) -> str:
    """Return whom the page plays; a public page may not speak for the viewers of an app."""
    name = request.GET.get("user", "").replace("\0", "").strip()[:_MAX_NAME]
    if name:
        return name if is_trusted else f"guest-{name.removeprefix('guest-')}"
    user_id: str = request.session.setdefault(_SESSION_KEY, _new_visitor())
    return user_id


def _new_visitor() -> str:
    return f"guest-{secrets.token_hex(3)}"
