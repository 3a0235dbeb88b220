"""Who may open a review page, and how what they post is answered."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.core.errors import Problem
from apps.core.problems import problem_response

View = Callable[..., HttpResponseBase]


def staff_page(right: str) -> Callable[[View], View]:
    """Let in who has the right: others get 403, those who are not logged in the login page."""

    def wrap(view: View) -> View:
        allowed = permission_required(right, raise_exception=True)(view)
        return never_cache(login_required(allowed))

    return wrap


def act(right: str) -> Callable[[View], View]:
    """Take a POST of a form or of the page's script; what is refused is said to either."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def answer(request: HttpRequest, **key: Any) -> HttpResponseBase:
            is_script = request.headers.get("Accept") == "application/json"
            try:
                done = view(request, **key)
            except Problem as problem:
                if is_script:
                    return problem_response(problem.status, problem.code, problem.detail)
                messages.error(request, problem.detail)
                done = redirect(request.headers.get("Referer") or "moderation:queue")
            return done

        return require_POST(staff_page(right)(answer))

    return wrap
