"""`filter(field__among=values)`: like `in`, with all values in one parameter of the statement.

With hundreds of values it is several times as fast: neither side builds or parses hundreds of
placeholders, and the statement is the same text whatever their number.
"""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Field, Lookup


@Field.register_lookup
class Among(Lookup):
    """True where the field has one of the values; use it on fields with an index."""

    lookup_name = "among"

    def get_prep_lookup(self) -> list[Any]:
        """Take any iterable."""
        return list(self.rhs)

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        """Compare with the members of a JSON array, which is dumped faster than an SQL array."""
        column, parameters = self.process_lhs(compiler, connection)
        kind = self.lhs.output_field.db_type(connection).partition("(")[0]
        members = f"ARRAY(SELECT jsonb_array_elements_text(%s::jsonb))::{kind}[]"
        return f"{column} = ANY({members})", (*parameters, self._json(connection))

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Compare with the members of a JSON array (SQLite)."""
        column, parameters = self.process_lhs(compiler, connection)
        members = "(SELECT value FROM json_each(%s))"
        return f"{column} IN {members}", (*parameters, self._json(connection))

    def _json(self, connection: Any) -> str:
        prepare = self.lhs.output_field.get_db_prep_value
        values = [prepare(value, connection, prepared=False) for value in self.rhs]
        return json.dumps(values, default=str)
