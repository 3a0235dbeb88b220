"""Decide which objective orders feeds."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from apps.ranking.models import ObjectiveVersion


def add_objective(
    weights: Mapping[str, float],
    *,
    reason: str,
    author: AbstractBaseUser | None = None,
    activate: bool = False,
) -> ObjectiveVersion:
    """Store a version of the fusion weights; raise `ValidationError` for weights that cannot be."""
    version = ObjectiveVersion(weights=dict(weights), reason=reason, author=author)  # type: ignore[misc]
    version.clean()
    with transaction.atomic():
        version.save()
        if activate:
            activate_objective(version)
    return version


@transaction.atomic
def activate_objective(version: ObjectiveVersion | None) -> None:
    """Let a version order feeds from now on; None: the weights built in.

    Of two at the same moment the partial unique constraint refuses one; nothing is half done.
    """
    ObjectiveVersion.objects.filter(is_active=True).update(is_active=False)
    if version is not None:
        ObjectiveVersion.objects.filter(pk=version.pk).update(is_active=True)
        version.is_active = True
