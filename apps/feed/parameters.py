"""Query parameters of the API, each checked by name."""

from __future__ import annotations

import math
from functools import cache

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.candidates.restrictions import Restriction
from apps.core.errors import Problem
from apps.core.json import checked_id
from apps.events.types import DEVICE_CODE, DEVICES
from apps.features.types import Context

MAX_EXCLUDED = 200
_MAX_NAMES = 20
_DAY_SECONDS = 86_400

CONTEXT = (
    OpenApiParameter("surface", OpenApiTypes.INT, description="page of the app, 0–999"),
    OpenApiParameter("utc_offset", OpenApiTypes.INT, description="viewer's clock, minutes"),
    OpenApiParameter("device", OpenApiTypes.STR, enum=list(DEVICES[1:])),
    OpenApiParameter("network_ms", OpenApiTypes.INT, description="time of the last load"),
)
RESTRICTION = (
    OpenApiParameter("category", OpenApiTypes.STR, description="one or more, by commas"),
    OpenApiParameter("language", OpenApiTypes.STR, description="one or more, by commas"),
    OpenApiParameter("min_duration", OpenApiTypes.INT, description="seconds"),
    OpenApiParameter("max_duration", OpenApiTypes.INT, description="seconds"),
    OpenApiParameter("max_age_hours", OpenApiTypes.INT, description="since the upload"),
    OpenApiParameter(
        "exclude", OpenApiTypes.STR, description=f"content ids by commas, up to {MAX_EXCLUDED}"
    ),
)


def refuse_unknown(request: Request, *known: OpenApiParameter) -> None:
    """Raise 422 for a parameter that does not exist: a typo must not be passed over."""
    if unknown := set(request.query_params) - _names_of(known):
        raise invalid(sorted(unknown)[0], "unknown-parameter", "There is no such parameter.")


@cache
def _names_of(known: tuple[OpenApiParameter, ...]) -> frozenset[str]:
    return frozenset(parameter.name for parameter in known)


def number(request: Request, name: str, default: int, low: int, high: int) -> int:
    """Return a whole number between `low` and `high`; raise 422 for anything else."""
    text = request.query_params.get(name, str(default))
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if len(text) > 6 or not low <= value <= high:
        raise invalid(name, "invalid-value", f"Expected a whole number from {low} to {high}.")
    return value


def context(request: Request) -> Context:
    """Return where and when the viewer asks."""
    given = request.query_params
    device = given.get("device", "")
    if device not in DEVICE_CODE:
        raise invalid("device", "invalid-value", f"Expected one of {', '.join(DEVICES[1:])}.")
    return Context(
        surface=number(request, "surface", 0, 0, 999),
        utc_offset_minutes=number(request, "utc_offset", 0, -840, 840),
        device=DEVICE_CODE[device],
        network_ms=(
            number(request, "network_ms", 0, 0, 600_000) if "network_ms" in given else math.nan
        ),
    )


def restriction(request: Request) -> Restriction | None:
    """Return what the caller asks of all contents, None for nothing."""
    asked = Restriction(
        categories=_names(request, "category", _MAX_NAMES),
        languages=_names(request, "language", _MAX_NAMES),
        min_seconds=_bound(request, "min_duration", _DAY_SECONDS),
        max_seconds=_bound(request, "max_duration", _DAY_SECONDS),
        max_age_hours=_bound(request, "max_age_hours", 999_999),
    )
    asks = asked.categories or asked.languages
    bounds = (asked.min_seconds, asked.max_seconds, asked.max_age_hours)
    return asked if asks or any(bound is not None for bound in bounds) else None


def excluded(request: Request) -> tuple[str, ...]:
    """Return the content ids that the caller does not want."""
    return tuple(checked_id(name) for name in _names(request, "exclude", MAX_EXCLUDED))


def invalid(name: str, code: str, detail: str) -> Problem:
    """Return the 422 about one parameter."""
    return Problem(
        422, code, f"{name}: {detail}", errors=[{"pointer": name, "code": code, "detail": detail}]
    )


def _names(request: Request, name: str, most: int) -> tuple[str, ...]:
    names = tuple(n for n in request.query_params.get(name, "").split(",") if n)
    if len(names) > most:
        raise invalid(name, "too-many", f"{len(names)} given, at most {most} are taken.")
    return names


def _bound(request: Request, name: str, high: int) -> float | None:
    return float(number(request, name, 0, 0, high)) if name in request.query_params else None
