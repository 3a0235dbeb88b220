"""Follows and withdrawals that arrive in any order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from apps.profiles.models import CreatorRelation
from apps.profiles.services import RelationChange, ensure_creators, ensure_viewers, relate


@pytest.mark.django_db
class TestRelateOrder:
    """Changes of one moment end the same in any order, in one call or in several."""

    CHANGES = ((True, 5), (False, 5), (True, 3), (True, 5), (False, 4))

    @pytest.mark.parametrize("order", list(permutations(range(5)))[::3])
    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_withdrawal_wins_at_the_same_moment(self, order: tuple[int, ...], size: int) -> None:
        viewer = ensure_viewers(["alice"])["alice"]
        creator = ensure_creators(["bob"])["bob"]
        kind = CreatorRelation.Kind.FOLLOW
        changes = [RelationChange(viewer, creator, kind, *self.CHANGES[i]) for i in order]

        for start in range(0, len(changes), size):
            relate(changes[start : start + size])

        relation = CreatorRelation.objects.get()
        assert (relation.is_active, relation.changed_ms) == (False, 5)

    def test_follow_later_than_the_withdrawal_wins(self) -> None:
        viewer = ensure_viewers(["alice"])["alice"]
        creator = ensure_creators(["bob"])["bob"]
        kind = CreatorRelation.Kind.FOLLOW

        relate([RelationChange(viewer, creator, kind, True, 6)])
        relate([RelationChange(viewer, creator, kind, False, 5)])

        assert CreatorRelation.objects.get().is_active

    def test_relating_takes_one_statement(self, django_assert_num_queries: Any) -> None:
        viewer = ensure_viewers(["alice"])["alice"]
        creators = ensure_creators([f"c{i}" for i in range(50)])
        kind = CreatorRelation.Kind.FOLLOW
        changes = [RelationChange(viewer, c, kind, True, 5) for c in creators.values()]

        with django_assert_num_queries(1):
            relate(changes)
