"""Probes of orchestrators and scrapers: answered before hosts, HTTPS and sessions are looked at."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django_prometheus.exports import ExportToDjangoView

from apps.feed.health import healthz, readyz

_PROBES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": ExportToDjangoView,
}


class Probes:
    """Middleware, the first: whoever asks by the address of a container knows no host name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a probe, or hand the request on."""
        return _PROBES.get(request.path, self._get_response)(request)
