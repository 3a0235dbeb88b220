"""`among` finds what `in` finds."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.core.models import ApiKey, Artifact

pytestmark = pytest.mark.django_db

NAMES = ["a", "b'", 'c"', "{d,e}", "é\u2028👩‍👩‍👧", "\\", "%s", "NULL", ""]


@pytest.mark.parametrize("wanted", [[], ["a"], NAMES, [*NAMES, "nobody"], {"a", "é"}])
def test_texts_are_found_as_by_in(wanted: Any) -> None:
    for i, name in enumerate(NAMES):
        ApiKey.objects.create(name=name, prefix=str(i), digest="")

    found = ApiKey.objects.filter(name__among=wanted).values_list("name", flat=True)

    assert sorted(found) == sorted(
        ApiKey.objects.filter(name__in=wanted).values_list("name", flat=True)
    )


def test_uuids_and_numbers_are_found_as_by_in() -> None:
    made = [Artifact.objects.create(family="f", uuid=uuid.uuid4(), manifest={}) for _ in range(3)]

    by_uuid = Artifact.objects.filter(uuid__among=[a.uuid for a in made[:2]] + [uuid.uuid4()])
    by_number = Artifact.objects.filter(pk__among=[a.pk for a in made[1:]])

    assert set(by_uuid) == set(made[:2])
    assert set(by_number) == set(made[1:])
