"""Groups with least rights."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from apps.core.roles import ensure_roles
from apps.insights.roles import ROLES as KPI_ROLES
from apps.moderation.roles import ROLES as REVIEW_ROLES

pytestmark = pytest.mark.django_db


def rights_of(name: str) -> set[str]:
    found = Permission.objects.filter(group__name=name).select_related("content_type")
    return {f"{p.content_type.app_label}.{p.codename}" for p in found}


@pytest.mark.parametrize("name", sorted({*KPI_ROLES, *REVIEW_ROLES}))
def test_group_of_several_apps_has_the_rights_of_each_after_a_migration(name: str) -> None:
    Group.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert rights_of(name) == {*KPI_ROLES.get(name, ()), *REVIEW_ROLES.get(name, ())}


def test_right_that_was_given_by_hand_stays() -> None:
    group = Group.objects.get(name="analyst")
    group.permissions.add(Permission.objects.get(codename="change_artifact"))
    ensure_roles(KPI_ROLES)
    assert rights_of("analyst") == {
        *KPI_ROLES["analyst"],
        *REVIEW_ROLES["analyst"],
        "core.change_artifact",
    }


def test_no_group_is_made_while_a_right_is_missing() -> None:
    ensure_roles({"auditor": ("core.change_artifact", "core.not_made_yet")})
    assert not Group.objects.filter(name="auditor").exists()
