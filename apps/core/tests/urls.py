"""Addresses whose views fail, for the tests of problems."""

from __future__ import annotations

from typing import Any, NoReturn

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.urls import path, re_path
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.core.problems import not_found

ERRORS: dict[str, type[Exception]] = {
    "broken": ZeroDivisionError,
    "missing": Http404,
    "denied": PermissionDenied,
    "database": OperationalError,
}


class Fails(APIView):
    """Raises what its address names."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, kind: str) -> NoReturn:
        raise ERRORS[kind]("secret detail")


def plain(request: Any) -> NoReturn:
    """Fail outside the REST framework."""
    raise ZeroDivisionError("secret detail")


def plain_denied(request: Any) -> NoReturn:
    """Refuse outside the REST framework."""
    raise PermissionDenied("secret detail")


urlpatterns = [
    path("api/fails/<str:kind>", Fails.as_view()),
    path("api/plain", plain),
    path("api/plain-denied", plain_denied),
    path("pages/plain", plain),
    re_path(r"^api/", not_found),
]
handler400 = "apps.core.problems.bad_request"
handler403 = "apps.core.problems.permission_denied"
handler404 = "apps.core.problems.not_found"
handler500 = "apps.core.problems.server_error"
