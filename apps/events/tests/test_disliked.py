"""What a viewer said against contents."""

from __future__ import annotations

import pytest

from apps.content.selectors import current_catalog
from apps.content.tests.factories import DAY_MS, NOW_MS, make_contents
from apps.events import selectors as events
from apps.events.conf import HISTORY_EVENTS
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.events.types import AGAINST
from apps.profiles.services import ensure_viewers

pytestmark = pytest.mark.django_db


def disliked(at_ms: int = NOW_MS + 1) -> list[tuple[str, int]]:
    catalog = current_catalog()
    alice = ensure_viewers(["alice"])["alice"]
    history = events.history(alice, catalog, at_ms=at_ms)
    found = events.disliked(alice, catalog, history, at_ms=at_ms)
    keys = dict(Event.objects.values_list("content__pk", "content__content_id"))
    names = [keys[pk] for pk in catalog.content_pk[found.content].tolist()]
    return list(zip(names, found.at_ms.tolist(), strict=True))


def test_hidden_and_reported_contents_come_newest_first() -> None:
    make_contents(4)
    send(
        make_event("hide", NOW_MS - 9, content_id="v0"),
        make_event("report", NOW_MS - 3, content_id="v1", reason="spam"),
        make_event("skip", NOW_MS - 2, content_id="v2"),
        make_event("hide", NOW_MS - 1, content_id="v3", user_id="carol"),
        make_event("hide", NOW_MS - 1, content_id=None, creator_id="creator1"),
    )

    assert disliked() == [("v1", NOW_MS - 3), ("v0", NOW_MS - 9)]


def test_the_latest_word_counts_whatever_the_order_of_arrival() -> None:
    make_contents(2)
    send(make_event("unhide", NOW_MS - 5, content_id="v0"))
    send(make_event("hide", NOW_MS - 9, content_id="v0"))
    send(make_event("unhide", NOW_MS - 8, content_id="v1"))
    send(make_event("hide", NOW_MS - 4, content_id="v1"))

    assert disliked() == [("v1", NOW_MS - 4)]


def test_what_is_older_than_a_month_is_over() -> None:
    make_contents(1)
    send(make_event("hide", NOW_MS - 5, content_id="v0"))

    assert disliked(NOW_MS + 29 * DAY_MS)
    assert not disliked(NOW_MS + 31 * DAY_MS)


def test_the_index_holds_the_kinds_that_are_read() -> None:
    condition = next(i for i in Event._meta.indexes if i.name == "event_against").condition

    assert condition.children == [("kind__in", [kind.value for kind in AGAINST])]
    assert [kind.value for kind in AGAINST] == [12, 13, 15]  # as in `selectors._AGAINST`


def test_what_the_history_does_not_reach_back_to_counts_as_well() -> None:
    make_contents(2)
    send(make_event("hide", NOW_MS - 900, content_id="v0"))
    likes = (make_event("like", NOW_MS - 1 - i, content_id="v1") for i in range(HISTORY_EVENTS))
    send(*likes)

    assert disliked() == [("v0", NOW_MS - 900)]
