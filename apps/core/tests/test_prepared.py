"""Querysets compiled once answer like the queryset itself."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apps.core.models import Artifact
from apps.core.prepared import Prepared, PreparedQueryError

BY_NAME = Prepared(lambda name: Artifact.objects.filter(uuid=name).values_list("pk"))
BY_KEYS = Prepared(
    lambda keys, family: (
        Artifact.objects.filter(pk__in=keys, family=family)
        .order_by("pk")
        .values_list("pk", "family")
    )
)
pytestmark = pytest.mark.django_db


def make_artifact(family: str = "bundle") -> Artifact:
    return Artifact.objects.create(family=family, uuid=uuid4(), manifest={})


def test_a_prepared_query_takes_new_arguments_each_time() -> None:
    first, second = (make_artifact() for _ in range(2))

    assert BY_NAME.rows(first.uuid) == [(first.pk,)]
    assert BY_NAME.rows(second.uuid) == [(second.pk,)]


def test_lists_of_any_length_find_what_is_in_them() -> None:
    artifacts = [make_artifact("de") for _ in range(4)]
    keys = [artifact.pk for artifact in artifacts]

    for length in (1, 3, 2, 4):
        assert BY_KEYS.rows(keys[:length], "de") == [(key, "de") for key in keys[:length]]


def test_an_empty_list_finds_nothing_without_a_query(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert BY_KEYS.rows([], "de") == []


def test_texts_are_arguments_and_never_sql() -> None:
    artifact = make_artifact("x' OR '1'='1")

    assert BY_KEYS.rows([artifact.pk], "x' OR '1'='1") == [(artifact.pk, "x' OR '1'='1")]
    assert BY_KEYS.rows([artifact.pk], "' OR '1'='1") == []


def test_an_argument_that_the_query_changes_is_refused() -> None:
    prepared = Prepared(lambda n: Artifact.objects.filter(pk=n + 1).values_list("pk"))

    with pytest.raises(PreparedQueryError):
        prepared.rows(1)
