"""The log ends the same whatever the order, the chunks and the repeats in which it arrived."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.content.models import Content
from apps.content.tests.factories import NOW_MS
from apps.events.models import Event, QuarantinedEvent
from apps.events.tests.factories import make_event, send
from apps.profiles.models import CreatorRelation

_KINDS = [
    "upload",
    "view",
    "like",
    "unlike",
    "follow",
    "unfollow",
    "hide",
    "unhide",
    "follow",
    "unfollow",
]
_KINDS += ["upload again", "upload again", "same time"]


def _make(step: int, kind: str) -> dict[str, Any]:
    given: dict[str, Any] = {"at_ms": NOW_MS - 1000 + step}
    if step % 2:
        given["event_id"] = f"e{step}"  # every other one is known by what it says
    if kind == "upload":
        return make_event("content_upload", user_id=None, creator_id="bob", **given)
    if kind == "upload again":
        metadata = {"category": f"c{step}"} | ({"description": "text"} if step == 9 else {})
        return make_event(
            "content_upload", user_id=None, creator_id="bob", metadata=metadata, **given
        )
    if kind == "same time":
        return make_event("unfollow", **given | {"at_ms": NOW_MS - 1000 + 8})
    if kind in {"follow", "unfollow"} and step % 3:
        return make_event(kind, content_id=None, creator_id="bob", **given)
    return make_event(kind, **given)


EVENTS = [_make(step, kind) for step, kind in enumerate(_KINDS)]


def state() -> dict[str, Any]:
    events = Event.objects.values_list("event_key", "kind", "occurred_ms", "content__content_id")
    relations = CreatorRelation.objects.values_list(
        "creator__creator_id", "kind", "is_active", "changed_ms"
    )
    contents = Content.objects.values_list(
        "content_id", "creator__creator_id", "uploaded_ms", "category", "description"
    )
    return {
        "events": sorted(events),
        "relations": sorted(relations),
        "contents": sorted(contents),
        "waiting": QuarantinedEvent.objects.count(),
    }


class OrderTest(TestCase):
    expected: dict[str, Any]

    @classmethod
    def setUpTestData(cls) -> None:
        send(*EVENTS)
        cls.expected = state()
        Event.objects.all().delete()
        CreatorRelation.objects.all().delete()
        Content.objects.all().delete()

    @settings(max_examples=25, deadline=None)
    @given(
        order=st.permutations(EVENTS),
        repeats=st.lists(st.sampled_from(EVENTS), max_size=4),
        size=st.integers(1, 13),
    )
    def test_state_does_not_depend_on_order_chunks_or_repeats(
        self, order: list[Any], repeats: list[Any], size: int
    ) -> None:
        arriving = order + repeats

        answers = [send(*arriving[i : i + size]) for i in range(0, len(arriving), size)]

        assert sum(a.accepted for a in answers) == len(EVENTS)
        assert sum(a.duplicates for a in answers) == len(repeats)
        assert state() == self.expected
