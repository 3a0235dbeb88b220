"""The OpenAPI description: valid, complete, and in either format."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    described: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return described


def test_schema_is_valid_openapi(schema: dict[str, Any]) -> None:
    validate_schema(schema)  # type: ignore[no-untyped-call]  # raises where it is not


def test_every_operation_names_its_scope_and_its_errors(schema: dict[str, Any]) -> None:
    operations = [one for path in schema["paths"].values() for one in path.values()]

    assert len(operations) > 20
    for operation in operations:
        assert "with the scope `" in operation["description"]
        told = operation["responses"]["default"]["content"]["application/problem+json"]
        assert told["schema"] == {"$ref": "#/components/schemas/Problem"}


@pytest.mark.parametrize("ask", [{"format": "json"}, {}])
def test_schema_comes_as_json_to_who_asks_for_it(ask: dict[str, str]) -> None:
    headers = {} if ask else {"accept": "application/json"}

    assert Client().get("/api/schema/", ask, headers=headers).json()["openapi"] == "3.0.3"
