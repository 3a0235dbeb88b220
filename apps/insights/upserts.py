"""Add numbers to rows that may not be there yet, in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from django.db import connection
from django.db.models import Model
from numpy.typing import NDArray

_PARAMETERS = 30_000  # of one statement; SQLite takes 32,766


def add_up(
    model: type[Model],
    keys: Mapping[str, NDArray[np.int64]],
    amounts: Mapping[str, NDArray[np.int64]],
) -> None:
    """Add int64[n] `amounts` to the rows with these int64[n] `keys`, making those that lack.

    The same key may stand in several rows. The keys' columns are unique together.
    """
    rows, sums = summed(np.stack(list(keys.values())), np.stack(list(amounts.values())))
    fields = {field.name: str(field.column) for field in model._meta.fields}
    table = connection.ops.quote_name(model._meta.db_table)
    quoted = [connection.ops.quote_name(fields[name]) for name in (*keys, *amounts)]
    unique, added = quoted[: len(keys)], quoted[len(keys) :]
    values = np.concatenate([rows, sums]).T.tolist()
    step = _PARAMETERS // len(quoted)
    for start in range(0, len(values), step):
        _insert(table, unique, added, values[start : start + step])


def _insert(
    table: str, unique: Sequence[str], added: Sequence[str], values: list[list[int]]
) -> None:
    one = f"({', '.join(['%s'] * (len(unique) + len(added)))})"
    sums = ", ".join(f"{name} = {table}.{name} + EXCLUDED.{name}" for name in added)
    # Names come from the model, quoted; values are parameters.
    sql = (
        f"INSERT INTO {table} ({', '.join((*unique, *added))}) "  # noqa: S608
        f"VALUES {', '.join([one] * len(values))} "
        f"ON CONFLICT ({', '.join(unique)}) DO UPDATE SET {sums}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for row in values for value in row])


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
