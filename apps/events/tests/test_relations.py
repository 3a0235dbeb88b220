"""Events that follow and hide creators."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from apps.content.tests.factories import DAY_MS, NOW_MS, make_content
from apps.events.tests.factories import make_event, send
from apps.profiles.models import Creator
from apps.profiles.selectors import profile

pytestmark = pytest.mark.django_db


def creator_names(keys: Any) -> set[str]:
    creators = Creator.objects.filter(pk__in=keys.tolist())
    return set(creators.values_list("creator_id", flat=True))


def followed(*, at_ms: int = NOW_MS) -> set[str]:
    return creator_names(profile("alice", at_ms=at_ms).stance.followed)


def hidden(*, at_ms: int = NOW_MS) -> set[str]:
    return creator_names(profile("alice", at_ms=at_ms).stance.hidden(at_ms))


class TestRelations:
    def test_follow_and_unfollow_change_who_is_followed(self) -> None:
        send(make_event("follow", NOW_MS - 2, content_id=None, creator_id="bob"))
        assert followed() == {"bob"}

        send(make_event("unfollow", NOW_MS - 1, content_id=None, creator_id="bob"))
        assert followed() == set()

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_follows_out_of_order_end_as_in_order(self, order: tuple[int, ...]) -> None:
        events = [
            make_event(kind, NOW_MS - 10 + i, content_id=None, creator_id="bob")
            for i, kind in enumerate(("follow", "unfollow", "follow"))
        ]

        for i in order:
            send(events[i])

        assert followed() == {"bob"}

    def test_follow_by_a_content_follows_its_creator(self) -> None:
        make_content("v1", "bob")

        send(make_event("follow"))

        assert followed() == {"bob"}

    def test_hidden_content_mutes_its_creator_for_a_while(self) -> None:
        make_content("v1", "bob")

        send(make_event("hide"))

        assert hidden() == {"bob"}
        assert hidden(at_ms=NOW_MS + 14 * DAY_MS) == set()

    def test_reported_content_mutes_its_creator_for_a_while(self) -> None:
        make_content("v1", "bob")

        send(make_event("report", reason="spam"))

        assert hidden() == {"bob"}
        assert hidden(at_ms=NOW_MS + 14 * DAY_MS) == set()

    def test_hide_of_a_content_can_be_taken_back(self) -> None:
        make_content("v1", "bob")
        send(make_event("hide", NOW_MS - 9))

        send(make_event("unhide", NOW_MS - 5))

        assert hidden() == set()

    def test_hide_of_a_creator_can_be_taken_back_with_that_of_a_content(self) -> None:
        make_content("v1", "bob")
        send(make_event("hide", NOW_MS - 9))
        send(make_event("hide", NOW_MS - 8, content_id=None, creator_id="bob"))

        send(make_event("unhide", NOW_MS - 5, content_id=None, creator_id="bob"))

        assert hidden() == set()

    def test_taking_back_the_hide_of_a_content_does_not_unblock_its_creator(self) -> None:
        make_content("v1", "bob")
        send(make_event("hide", NOW_MS - 8, content_id=None, creator_id="bob"))

        send(make_event("unhide", NOW_MS - 5))

        assert hidden() == {"bob"}

    def test_a_hide_that_arrives_after_its_taking_back_stays_taken_back(self) -> None:
        make_content("v1", "bob")
        send(make_event("unhide", NOW_MS - 5))

        send(make_event("hide", NOW_MS - 9))

        assert hidden() == set()

    def test_hidden_creator_is_blocked(self) -> None:
        send(make_event("hide", content_id=None, creator_id="bob"))

        assert hidden(at_ms=NOW_MS + 365 * DAY_MS) == {"bob"}

    @pytest.mark.parametrize("kind", ["follow", "hide"])
    def test_creator_of_a_content_that_arrives_later_is_found(self, kind: str) -> None:
        send(make_event(kind))

        make_content("v1", "bob")

        assert (followed() if kind == "follow" else hidden()) == {"bob"}

    def test_late_link_does_not_undo_a_newer_unfollow(self) -> None:
        send(make_event("follow", NOW_MS - 10))
        send(make_event("unfollow", NOW_MS - 5, content_id=None, creator_id="bob"))

        make_content("v1", "bob")

        assert followed() == set()

    def test_event_sent_again_does_not_change_a_relation_again(self) -> None:
        follow = make_event("follow", NOW_MS - 5, content_id=None, creator_id="bob")
        send(follow)
        send(make_event("unfollow", NOW_MS - 1, content_id=None, creator_id="bob"))

        send(follow)

        assert followed() == set()
