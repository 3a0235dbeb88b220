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
        self._compiled: dict[tuple[Any, ...], tuple[str, list[tuple[int, Any]]]] = {}

    def rows(self, *arguments: Any) -> list[tuple[Any, ...]]:
        """Run the query with these arguments."""
        lengths = tuple(len(a) if isinstance(a, list) else -1 for a in arguments)
        if 0 in lengths:
            return []  # nothing is in an empty list
        shape = (connection.vendor, lengths)
        if shape not in self._compiled:
            self._compiled[shape] = self._compile(arguments)
        sql, parameters = self._compiled[shape]
        given = _values(arguments)
        with connection.cursor() as cursor:
            cursor.execute(sql, [given[at] if at >= 0 else value for at, value in parameters])
            return cursor.fetchall()

    def _compile(self, arguments: tuple[Any, ...]) -> tuple[str, list[tuple[int, Any]]]:
        """Return the SQL, and for each parameter its place in `_values`, or −1 and a constant."""
        marked = [_marked(i, a) for i, a in enumerate(arguments)]
        sql, values = self._make(*marked).query.sql_with_params()
        marks = _values(marked)
        place = {mark: at for at, mark in enumerate(marks)}
        parameters = [(place.get(_plain(value), -1), _plain(value)) for value in values]
        if missing := set(range(len(marks))) - {at for at, _ in parameters}:
            unused = [marks[at] for at in sorted(missing)]
            raise PreparedQueryError(f"arguments {unused} are not parameters of: {sql}")
        return sql, parameters


def _marked(index: int, argument: Any) -> Any:
    """Return a stand-in of the argument's type that is recognized among the parameters."""
    if isinstance(argument, list):
        return [_MARK + index * 100_000 + place for place in range(len(argument))]
    if isinstance(argument, UUID):
        return UUID(int=_MARK + index)
    return f"{_MARK}-{index}" if isinstance(argument, str) else _MARK + index * 100_000


def _values(arguments: Sequence[Any]) -> list[Any]:
    """Return all that is given to the query, those of a list one by one."""
    values: list[Any] = []
    for argument in arguments:
        if isinstance(argument, list):
            values += argument
        else:
            values.append(_plain(argument))
    return values


def _plain(value: Any) -> Any:
    """Return a UUID as the database at hand takes it."""
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    return value
