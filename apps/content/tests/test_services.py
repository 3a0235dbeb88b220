"""Writing the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from typing import Any

import pytest

from apps.content.models import Content, Sound
from apps.content.services import contents_created, set_status, stamp_edit, upsert_contents
from apps.content.tests.factories import NOW_MS, make_content
from apps.content.types import ContentMetadata, ContentRow
from apps.core.clock import from_datetime
from apps.profiles.models import Creator

pytestmark = pytest.mark.django_db


def stored(content_id: str = "v1") -> Content:
    return Content.objects.select_related("creator", "sound").get(content_id=content_id)


def test_new_content_is_stored_with_all_that_was_given() -> None:
    metadata = ContentMetadata(
        description="A dance",
        tags=["dance", "music"],
        audio_id="song1",
        category="dance",
        language="en",
        duration=12.5,
        media_url="https://cdn.example/v1.mp4",
        visual_features=[0.1, -0.2],
    )
    uploaded = datetime(2025, 10, 1, 14, tzinfo=timezone(timedelta(hours=2)))

    upsert_contents([ContentRow("v1", "bob", uploaded, "hidden", metadata)], now_ms=NOW_MS)

    content = stored()
    assert content.creator.creator_id == "bob"
    assert content.uploaded_ms == from_datetime(datetime(2025, 10, 1, 12, tzinfo=UTC))
    assert content.status == Content.Status.HIDDEN
    assert content.sound is not None
    assert content.sound.audio_id == "song1"
    assert (content.description, content.tags) == ("A dance", ["dance", "music"])
    assert (content.category, content.language) == ("dance", "en")
    assert (content.duration_seconds, content.visual_features) == (12.5, [0.1, -0.2])
    assert content.media_url == "https://cdn.example/v1.mp4"


def test_new_content_is_active_and_uploaded_now_unless_told_otherwise() -> None:
    content = make_content()

    assert content.status == Content.Status.ACTIVE
    assert content.uploaded_ms == content.changed_ms == NOW_MS


def test_upsert_keeps_what_is_left_out() -> None:
    make_content(description="A dance", tags=["dance"], duration=12.5, audio_id="song1")

    row = ContentRow("v1", metadata=ContentMetadata(language="en"))
    upsert_contents([row], now_ms=NOW_MS + 5)

    content = stored()
    assert (content.description, content.tags) == ("A dance", ["dance"])
    assert (content.duration_seconds, content.language) == (12.5, "en")
    assert content.sound is not None
    assert content.creator.creator_id == "bob"
    assert (content.uploaded_ms, content.changed_ms) == (NOW_MS, NOW_MS + 5)


@pytest.mark.parametrize(("name", "value"), [("description", ""), ("tags", []), ("category", "")])
def test_upsert_can_empty_a_field(name: str, value: Any) -> None:
    make_content(**{name: ["x"] if name == "tags" else "x"})

    make_content(**{name: value})

    assert getattr(stored(), name) == value


def test_last_of_several_rows_wins_field_by_field() -> None:
    rows = [
        ContentRow("v1", "bob", metadata=ContentMetadata(description="first", language="en")),
        ContentRow("v1", metadata=ContentMetadata(description="second")),
        ContentRow("v1", "carol"),
    ]

    assert upsert_contents(rows, now_ms=NOW_MS) == []

    content = stored()
    assert (content.description, content.language) == ("second", "en")
    assert content.creator.creator_id == "carol"


def test_new_content_without_a_creator_is_refused_and_the_others_go_in() -> None:
    rows = [ContentRow("v1", "bob"), ContentRow("v2"), ContentRow("v3", "bob")]

    refused = upsert_contents(rows, now_ms=NOW_MS)

    assert [(r.index, r.content_id, r.code) for r in refused] == [(1, "v2", "missing-creator")]
    assert set(Content.objects.values_list("content_id", flat=True)) == {"v1", "v3"}


def test_known_content_needs_no_creator() -> None:
    make_content()

    assert upsert_contents([ContentRow("v1", status="hidden")], now_ms=NOW_MS) == []

    assert stored().status == Content.Status.HIDDEN


def test_hidden_content_can_be_shown_again() -> None:
    make_content()
    upsert_contents([ContentRow("v1", status="hidden")], now_ms=NOW_MS)

    upsert_contents([ContentRow("v1", status="active")], now_ms=NOW_MS)

    assert stored().status == Content.Status.ACTIVE


@pytest.mark.parametrize("status", ["active", "hidden", None])
def test_removed_content_stays_removed(status: Any) -> None:
    make_content()
    set_status(["v1"], Content.Status.REMOVED, now_ms=NOW_MS)

    row = ContentRow("v1", "bob", status=status, metadata=ContentMetadata(description="again"))
    upsert_contents([row], now_ms=NOW_MS)

    assert stored().status == Content.Status.REMOVED


def test_set_status_counts_and_stamps_what_it_changed() -> None:
    make_content("v1")
    make_content("v2")

    assert set_status(["v1", "v9"], Content.Status.REMOVED, now_ms=NOW_MS + 7) == 1

    assert stored("v1").changed_ms == NOW_MS + 7
    assert stored("v2").status == Content.Status.ACTIVE


def test_creators_and_sounds_are_shared() -> None:
    make_content("v1", audio_id="song1")
    make_content("v2", audio_id="song1")

    assert Creator.objects.count() == 1
    assert Sound.objects.count() == 1


def test_only_new_contents_are_announced() -> None:
    make_content("v1")
    heard: list[str] = []

    def listen(*, content_ids: list[str], **_: Any) -> None:
        heard.extend(content_ids)

    contents_created.connect(listen)
    try:
        upsert_contents([ContentRow("v1", "bob"), ContentRow("v2", "bob")], now_ms=NOW_MS)
    finally:
        contents_created.disconnect(listen)

    assert heard == ["v2"]


def test_batch_takes_a_constant_number_of_queries(django_assert_max_num_queries: Any) -> None:
    rows = [ContentRow(f"v{i}", f"creator{i}") for i in range(100)]

    with django_assert_max_num_queries(14):
        upsert_contents(rows, now_ms=NOW_MS)


class TestMoments:
    """Rows with a moment of their own: the latest value stands, whatever arrives first."""

    ROWS = (
        (10, ContentRow("v1", "bob", metadata=ContentMetadata(category="a", duration=5.0))),
        (20, ContentRow("v1", "carl", metadata=ContentMetadata(category="b", tags=["x"]))),
        (20, ContentRow("v1", "dora", metadata=ContentMetadata(audio_id="s1", tags=["y"]))),
        (20, ContentRow("v1", "bob", metadata=ContentMetadata(audio_id="s2", language="en"))),
        (5, ContentRow("v1", "eve", metadata=ContentMetadata(description="first"))),
    )

    def state(self) -> dict[str, Any]:
        content = stored()
        names = ("category", "duration_seconds", "tags", "language", "description", "uploaded_ms")
        sound = content.sound.audio_id if content.sound else None
        found = {name: getattr(content, name) for name in names}
        return found | {"creator": content.creator.creator_id, "sound": sound}

    @pytest.mark.parametrize("order", list(permutations(range(5)))[::7])
    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_order_of_arrival_does_not_matter(self, order: tuple[int, ...], size: int) -> None:
        def arrive(places: Sequence[int]) -> None:
            for start in range(0, len(places), size):
                said = [self.ROWS[i] for i in places[start : start + size]]
                rows = [row for _, row in said]
                upsert_contents(rows, now_ms=NOW_MS, said_ms=[at_ms for at_ms, _ in said])

        arrive(range(5))
        expected = self.state() | {"uploaded_ms": None}
        Content.objects.all().delete()

        arrive(order)

        assert self.state() | {"uploaded_ms": None} == expected
        assert (expected["category"], expected["duration_seconds"]) == ("b", 5.0)
        assert expected["description"] == "first"

    def test_what_is_put_counts_as_of_now(self) -> None:
        make_content("v1", category="news")
        upload = ContentRow("v1", "eve", metadata=ContentMetadata(category="old", language="en"))

        upsert_contents([upload], now_ms=NOW_MS + 9, said_ms=[NOW_MS - 1])

        assert (stored().category, stored().language) == ("news", "en")
        assert stored().creator.creator_id == "bob"

    def test_what_is_put_wins_over_every_upload_before_it(self) -> None:
        upload = ContentRow("v1", "bob", metadata=ContentMetadata(category="ahead"))
        upsert_contents([upload], now_ms=NOW_MS, said_ms=[NOW_MS])

        make_content("v1", category="news", now_ms=NOW_MS - 50)  # of a process with another clock

        assert stored().category == "news"

    def test_moment_of_upload_that_was_not_said_yields_to_one_that_is(self) -> None:
        make_content("v1")
        moment = datetime(2025, 1, 1, tzinfo=UTC)

        upsert_contents([ContentRow("v1", "bob", moment)], now_ms=NOW_MS, said_ms=[NOW_MS - 5])

        assert stored().uploaded_ms == from_datetime(moment)

    def test_row_from_before_there_were_stamps_counts_as_of_its_last_change(self) -> None:
        make_content("v1", category="news")
        Content.objects.update(stamps={})
        row = ContentRow("v1", "bob", metadata=ContentMetadata(category="late", language="en"))

        upsert_contents([row], now_ms=NOW_MS + 9, said_ms=[NOW_MS - 1])

        assert (stored().category, stored().language) == ("news", "en")

    def test_edit_by_hand_stands_against_an_older_upload(self) -> None:
        upload = ContentRow("v1", "bob", metadata=ContentMetadata(category="old", language="en"))
        upsert_contents([upload], now_ms=NOW_MS, said_ms=[NOW_MS - 9])
        content = stored()
        content.category = "edited"
        stamp_edit(content, ["category"], now_ms=NOW_MS + 5)
        content.save()

        upsert_contents([upload], now_ms=NOW_MS + 9, said_ms=[NOW_MS - 1])

        assert stored().category == "edited"


def test_every_change_of_a_row_has_a_stamp_of_its_own() -> None:
    stamps = [make_content("v1", now_ms=NOW_MS - i).changed_ms for i in range(3)]
    set_status(["v1"], Content.Status.HIDDEN, now_ms=NOW_MS)

    assert [*stamps, stored().changed_ms] == [NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS + 3]
