"""Parameters of a request's query, each checked by its name."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.core.errors import Problem
from apps.core.json import checked_id

_FLAGS = {"1": True, "true": True, "0": False, "false": False}


def refuse_unknown(request: Request, *known: OpenApiParameter) -> None:
    """Raise 422 for a parameter that does not exist, or comes twice: no typo is passed over."""
    given = request.query_params
    if unknown := set(given) - {parameter.name for parameter in known}:
        raise invalid(sorted(unknown)[0], "unknown-parameter", "There is no such parameter.")
    for name, values in given.lists():
        if len(values) > 1:
            raise invalid(name, "repeated-parameter", "It is given more than once.")


def required_id(request: Request, name: str) -> str:
    """Return the id that a parameter must give; raise 422 without one."""
    if not request.query_params.get(name):
        raise invalid(name, "missing-parameter", "It is needed.")
    return checked_id(request.query_params[name])


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


def flag(request: Request, name: str) -> bool:
    """Return whether a parameter says yes, by default no; raise 422 for what is neither."""
    text = request.query_params.get(name, "0").lower()
    if text not in _FLAGS:
        raise invalid(name, "invalid-value", f"Expected one of {', '.join(_FLAGS)}.")
    return _FLAGS[text]


def invalid(name: str, code: str, detail: str) -> Problem:
    """Return the 422 about one parameter."""
    return Problem(
        422, code, f"{name}: {detail}", errors=[{"pointer": name, "code": code, "detail": detail}]
    )
