"""Writing viewers: upserts, follows, mutes and blocks."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from apps.core.clock import DAY_MS
from apps.profiles.conf import MUTE_DAYS, RECOVERY_DAYS
from apps.profiles.models import Creator, CreatorRelation, Viewer
from apps.profiles.selectors import profile, stances, viewer_keys
from apps.profiles.services import (
    RelationChange,
    ensure_creators,
    ensure_viewers,
    relate,
    upsert_users,
)
from apps.profiles.types import Demographics, Preferences, UserRow

pytestmark = pytest.mark.django_db

NOW_MS = 1_760_000_000_000
FOLLOW, MUTE, BLOCK = CreatorRelation.Kind


def upsert(user_id: str = "alice", *, now_ms: int = NOW_MS, **given: Any) -> None:
    preferences = {k: given.pop(k) for k in ("categories", "creators_followed") if k in given}
    row = UserRow(user_id, Demographics(**given), Preferences(**preferences))
    upsert_users([row], now_ms=now_ms)


def followed(user_id: str = "alice", *, at_ms: int = NOW_MS + DAY_MS) -> set[str]:
    keys = profile(user_id, at_ms=at_ms).stance.followed.tolist()
    return set(Creator.objects.filter(pk__in=keys).values_list("creator_id", flat=True))


def hidden(user_id: str = "alice", *, at_ms: int) -> set[str]:
    keys = profile(user_id, at_ms=at_ms).stance.hidden(at_ms).tolist()
    return set(Creator.objects.filter(pk__in=keys).values_list("creator_id", flat=True))


def change(
    kind: CreatorRelation.Kind, *, is_active: bool = True, at_ms: int = NOW_MS, creator: str = "bob"
) -> RelationChange:
    viewer = ensure_viewers(["alice"])["alice"]
    return RelationChange(viewer, ensure_creators([creator])[creator], kind, is_active, at_ms)


class TestEnsure:
    def test_viewers_are_made_once(self) -> None:
        first = ensure_viewers(["alice", "carol"])

        assert ensure_viewers(["carol", "alice", "dave"]) | first == ensure_viewers(
            ["alice", "carol", "dave"]
        )
        assert Viewer.objects.count() == 3

    def test_creators_are_made_once(self) -> None:
        first = ensure_creators(["bob", "bob", "eve"])

        assert ensure_creators(["bob"]) == {"bob": first["bob"]}
        assert Creator.objects.count() == 2

    def test_ids_that_differ_in_case_or_form_are_other_viewers(self) -> None:
        ids = ["alice", "Alice", "alice ", "álice", "a\u0301lice"]

        assert len(set(ensure_viewers(ids).values())) == len(ids)

    def test_keys_of_known_viewers_are_found_without_making_any(self) -> None:
        made = ensure_viewers(["alice"])

        assert viewer_keys(["alice", "nobody"]) == made
        assert Viewer.objects.count() == 1


class TestUpsert:
    def test_user_is_stored_with_all_that_was_given(self) -> None:
        upsert(
            age_group="25-34",
            location="DE-BE",
            language="de",
            categories=["news", "dance"],
            creators_followed=["bob"],
        )

        found = profile("alice", at_ms=NOW_MS)
        assert (found.age_group, found.language) == ("25-34", "de")
        assert found.categories == ("news", "dance")
        assert Viewer.objects.get().location == "DE-BE"
        assert followed() == {"bob"}

    def test_upsert_keeps_what_is_left_out(self) -> None:
        upsert(age_group="25-34", language="de", categories=["news"], creators_followed=["bob"])

        upsert(location="AT", now_ms=NOW_MS + 1)

        found = profile("alice", at_ms=NOW_MS + 1)
        assert (found.age_group, found.language, found.categories) == ("25-34", "de", ("news",))
        assert followed() == {"bob"}

    def test_upsert_can_empty_a_list(self) -> None:
        upsert(categories=["news"], creators_followed=["bob"])

        upsert(categories=[], creators_followed=[], now_ms=NOW_MS + 1)

        assert profile("alice", at_ms=NOW_MS + 1).categories == ()
        assert followed() == set()

    def test_list_of_followed_creators_replaces_the_one_before(self) -> None:
        upsert(creators_followed=["bob", "carol"])

        upsert(creators_followed=["carol", "dave"], now_ms=NOW_MS + 1)

        assert followed() == {"carol", "dave"}

    def test_creator_can_be_followed_again(self) -> None:
        for step, creators in enumerate((["bob"], [], ["bob"])):
            upsert(creators_followed=creators, now_ms=NOW_MS + step)

        assert followed() == {"bob"}

    def test_list_replaces_what_events_had_followed_but_leaves_blocks(self) -> None:
        relate([change(FOLLOW), change(BLOCK, creator="mallory")])

        upsert(creators_followed=[], now_ms=NOW_MS + 1)

        assert followed() == set()
        assert hidden(at_ms=NOW_MS + 1) == {"mallory"}

    def test_last_row_of_a_user_in_a_batch_wins(self) -> None:
        rows = [
            UserRow("alice", Demographics(language="de"), Preferences(creators_followed=["bob"])),
            UserRow("alice", Demographics(language="en"), Preferences(creators_followed=["eve"])),
        ]

        upsert_users(rows, now_ms=NOW_MS)

        assert profile("alice", at_ms=NOW_MS).language == "en"
        assert followed() == {"eve"}

    def test_batch_takes_a_bounded_number_of_queries(
        self, django_assert_max_num_queries: Any
    ) -> None:
        rows = [UserRow(f"user{i}", Demographics(language="en")) for i in range(200)]

        with django_assert_max_num_queries(11):
            upsert_users(rows, now_ms=NOW_MS)


class TestRelations:
    @pytest.mark.parametrize("order", list(permutations(range(4))))
    def test_latest_change_wins_in_any_order_of_arrival(self, order: tuple[int, ...]) -> None:
        changes = [
            change(FOLLOW, is_active=is_active, at_ms=NOW_MS + step)
            for step, is_active in enumerate((True, False, True, False))
        ]

        for i in order:
            relate([changes[i]])

        relation = CreatorRelation.objects.get()
        assert (relation.is_active, relation.changed_ms) == (False, NOW_MS + 3)

    def test_latest_change_wins_within_one_batch(self) -> None:
        changes = [
            change(FOLLOW, is_active=True, at_ms=NOW_MS + 2),
            change(FOLLOW, is_active=False, at_ms=NOW_MS + 1),
        ]

        relate(changes)

        assert followed() == {"bob"}

    def test_unfollow_that_comes_before_its_follow_stands(self) -> None:
        relate([change(FOLLOW, is_active=False, at_ms=NOW_MS + 5)])
        relate([change(FOLLOW, is_active=True, at_ms=NOW_MS)])

        assert followed() == set()

    def test_same_change_again_changes_nothing(self) -> None:
        for _ in range(3):
            relate([change(FOLLOW)])

        assert CreatorRelation.objects.count() == 1
        assert followed() == {"bob"}

    def test_kinds_stand_beside_each_other(self) -> None:
        relate([change(FOLLOW), change(MUTE), change(BLOCK)])

        relate([change(BLOCK, is_active=False, at_ms=NOW_MS + 1)])

        assert followed() == {"bob"}
        assert hidden(at_ms=NOW_MS + 1) == {"bob"}  # by the mute
        assert hidden(at_ms=NOW_MS + MUTE_DAYS * DAY_MS) == set()

    def test_no_changes_need_no_query(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            relate([])


class TestProfile:
    def test_viewer_never_heard_of_has_an_empty_profile(self) -> None:
        found = profile("nobody", at_ms=NOW_MS)

        assert (found.pk, found.own_creator, found.categories) == (0, None, ())
        assert len(found.stance.followed) == len(found.stance.hidden(NOW_MS)) == 0
        assert not Viewer.objects.exists()

    def test_profile_takes_one_query(self, django_assert_num_queries: Any) -> None:
        upsert(creators_followed=[f"creator{i}" for i in range(30)])

        with django_assert_num_queries(1):
            profile("alice", at_ms=NOW_MS)

    def test_viewer_who_creates_knows_their_own_creator(self) -> None:
        ensure_viewers(["bob"])
        bob = ensure_creators(["bob"])["bob"]

        assert profile("bob", at_ms=NOW_MS).own_creator == bob

    @pytest.mark.parametrize(
        ("days", "expected"), [(0, {"bob"}), (MUTE_DAYS - 1, {"bob"}), (MUTE_DAYS, set())]
    )
    def test_mute_ends_after_two_weeks(self, days: int, expected: set[str]) -> None:
        relate([change(MUTE)])

        assert hidden(at_ms=NOW_MS + days * DAY_MS) == expected

    def test_block_does_not_end_by_itself(self) -> None:
        relate([change(BLOCK)])

        assert hidden(at_ms=NOW_MS + 1000 * DAY_MS) == {"bob"}

    def test_mute_renewed_later_lasts_longer(self) -> None:
        relate([change(MUTE), change(MUTE, at_ms=NOW_MS + 7 * DAY_MS)])

        assert hidden(at_ms=NOW_MS + 15 * DAY_MS) == {"bob"}

    def test_muted_creator_is_known_until_they_are_back_at_full_strength(self) -> None:
        relate([change(MUTE)])

        def n_muted(days: int) -> int:
            return len(profile("alice", at_ms=NOW_MS + days * DAY_MS).stance.muted)

        assert n_muted(MUTE_DAYS + RECOVERY_DAYS - 1) == 1
        assert n_muted(MUTE_DAYS + RECOVERY_DAYS) == 0

    def test_past_profile_does_not_know_the_future(self) -> None:
        relate([change(FOLLOW)])

        assert followed(at_ms=NOW_MS - 1) == set()

    def test_stances_of_all_are_the_same_as_each_profile(self) -> None:
        upsert("alice", creators_followed=["bob", "carol"])
        upsert("dave", creators_followed=["bob"])
        relate([change(BLOCK, creator="mallory"), change(MUTE, creator="eve")])
        at_ms = NOW_MS + DAY_MS

        everybody = stances(at_ms=at_ms)

        for user_id in ("alice", "dave"):
            one = profile(user_id, at_ms=at_ms)
            for found, expected in zip(everybody.of(one.pk), one.stance, strict=True):
                np.testing.assert_array_equal(np.sort(found), np.sort(expected))

    def test_stances_of_a_stranger_are_empty(self) -> None:
        assert all(len(part) == 0 for part in stances(at_ms=NOW_MS).of(999))
