"""Querysets compiled to SQL once: on the request path building SQL costs more than running it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.core.errors import RecsysError

_MARK = 7_000_000_000_000_000_000  # no key, moment or position is ever as large


class PreparedQueryError(RecsysError):
    """The queryset does not use an argument as it is."""


class Prepared:
    """A queryset made by `make(*arguments)`, whose SQL is kept between calls.

    Arguments are numbers, texts, UUIDs, or lists of numbers for an `__in`. Rows come as the
    database gives them: JSON as text, UUIDs as hex on SQLite.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]]) -> None:
        self._make = make
        self._compiled: dict[tuple[Any, ...], tuple[str, list[tuple[bool, Any]]]] = {}

    def rows(self, *arguments: Any) -> list[tuple[Any, ...]]:
        """Run the query with these arguments."""
        if any(isinstance(a, Sequence) and not isinstance(a, str) and not a for a in arguments):
            return []  # nothing is in an empty list
        shape = (connection.vendor, *(len(a) if isinstance(a, list) else 0 for a in arguments))
        if shape not in self._compiled:
            self._compiled[shape] = self._compile(arguments)
        sql, parameters = self._compiled[shape]
        given = dict(_marks(arguments))
        with connection.cursor() as cursor:
            cursor.execute(sql, [given[p] if is_given else p for is_given, p in parameters])
            return cursor.fetchall()

    def _compile(self, arguments: tuple[Any, ...]) -> tuple[str, list[tuple[bool, Any]]]:
        """Return the SQL, and for each parameter whether it is an argument's mark or constant."""
        marked = [_marked(i, a) for i, a in enumerate(arguments)]
        sql, values = self._make(*marked).query.sql_with_params()
        marks = {mark for mark, _ in _marks(arguments)}
        parameters = [(_plain(value) in marks, _plain(value)) for value in values]
        if missing := marks - {value for is_given, value in parameters if is_given}:
            raise PreparedQueryError(f"arguments {missing} are not parameters of: {sql}")
        return sql, parameters


def _marked(index: int, argument: Any) -> Any:
    """Return a stand-in of the argument's type that is recognized among the parameters."""
    if isinstance(argument, list):
        return [_MARK + index * 100_000 + place for place in range(len(argument))]
    if isinstance(argument, UUID):
        return UUID(int=_MARK + index)
    return f"{_MARK}-{index}" if isinstance(argument, str) else _MARK + index * 100_000


def _marks(arguments: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    """Return (mark as it stands among the parameters, value to put there)."""
    pairs: list[tuple[Any, Any]] = []
    for index, argument in enumerate(arguments):
        mark = _marked(index, argument)
        if isinstance(argument, list):
            pairs += zip(mark, argument, strict=True)
        else:
            pairs.append((_plain(mark), _plain(argument)))
    return pairs


def _plain(value: Any) -> Any:
    """Return a UUID as the database at hand takes it."""
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    return value
