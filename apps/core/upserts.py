"""Rows of whole numbers that may be there already: added to, or replaced, in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from django.db import connection
from django.db.models import Model
from numpy.typing import NDArray


def add_up(
    model: type[Model],
    keys: Mapping[str, NDArray[np.int64]],
    amounts: Mapping[str, NDArray[np.int64]],
) -> None:
    """Add int64[n] `amounts` to the rows with these int64[n] `keys`, making those that lack.

    The same key may stand in several rows. The keys' columns are unique together.
    """
    rows, sums = summed(np.stack(list(keys.values())), np.stack(list(amounts.values())))
    names = [*keys, *amounts]
    _insert(model, names, np.concatenate([rows, sums]), len(keys), "{table}.{name} + ")


def put(model: type[Model], names: Sequence[str], rows: NDArray[np.int64], *, n_keys: int) -> None:
    """Store int64[n, columns] rows of these fields; one with the keys of one that is there wins.

    The first `n_keys` are the keys, unique together in the table and among the rows.
    """
    _insert(model, names, rows.T, n_keys, "")


def _insert(
    model: type[Model], names: Sequence[str], columns: NDArray[np.int64], n_keys: int, old: str
) -> None:
    """Insert columns [c, n]; where a row is there, `old` says what its values add to the new."""
    if not columns.shape[1]:
        return
    fields = {field.name: str(field.column) for field in model._meta.fields}
    table = connection.ops.quote_name(model._meta.db_table)
    quoted = [connection.ops.quote_name(fields[name]) for name in names]
    grown = [f"{n} = {old.format(table=table, name=n)}EXCLUDED.{n}" for n in quoted[n_keys:]]
    is_postgresql = connection.vendor == "postgresql"
    arrays, marks = (", ".join([mark] * len(names)) for mark in ("%s::bigint[]", "%s"))
    # Names come from the model, quoted; values are parameters. A statement with thousands of
    # placeholders takes longer to read than its rows to store (ADR 7).
    source = f"SELECT * FROM unnest({arrays})" if is_postgresql else f"VALUES ({marks})"  # noqa: S608
    sql = (
        f"INSERT INTO {table} ({', '.join(quoted)}) {source} "
        f"ON CONFLICT ({', '.join(quoted[:n_keys])}) DO UPDATE SET {', '.join(grown)}"
    )
    with connection.cursor() as cursor:
        if is_postgresql:
            told = ["{" + ",".join(map(str, column)) + "}" for column in columns.tolist()]
            cursor.execute(sql, told)
        else:
            cursor.executemany(sql, columns.T.tolist())


def summed(
    keys: NDArray[np.int64], amounts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct keys [k, m] in order, and the sums [a, m] of their amounts."""
    order = np.lexsort(keys[::-1])
    keys, amounts = keys[:, order], amounts[:, order]
    if not keys.shape[1]:
        return keys, amounts
    is_first = np.append(True, (keys[:, 1:] != keys[:, :-1]).any(axis=0))
    starts = np.flatnonzero(is_first)
    return keys[:, starts], np.add.reduceat(amounts, starts, axis=1)
