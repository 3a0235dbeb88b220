"""Roles: groups with least rights, made after each migration. Every app says which are its own."""

from __future__ import annotations

from collections.abc import Mapping

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.db.models.signals import post_migrate

Roles = Mapping[str, tuple[str, ...]]  # name of a group → its rights, as "app.codename"


def register(roles: Roles, owner: AppConfig) -> None:
    """Make the groups of an app after each migration of it; groups of two apps are added up.

    The rights are of the app itself or of one before it in INSTALLED_APPS.
    """

    def make(**signal: object) -> None:
        ensure_roles(roles)

    # Not weakly: nobody else holds this receiver.
    post_migrate.connect(make, sender=owner, dispatch_uid=f"{owner.label}.roles", weak=False)


def ensure_roles(roles: Roles) -> None:
    """Make the groups that are missing and give each its rights; what was added by hand stays.

    Nothing is made while a right is missing: the database is then of an earlier version.
    """
    wanted = {right for rights in roles.values() for right in rights}
    found = Permission.objects.filter(
        content_type__app_label__in={right.partition(".")[0] for right in wanted},
        codename__in={right.partition(".")[2] for right in wanted},
    ).select_related("content_type")
    by_right = {f"{p.content_type.app_label}.{p.codename}": p for p in found}
    if not wanted <= by_right.keys():
        return
    for name, rights in roles.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*(by_right[right] for right in rights))
