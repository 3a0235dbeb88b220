"""Corrections: what is repaired, what is clamped, and that both can be seen afterwards."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.content.tests.factories import HOUR_MS, NOW_MS, make_content
from apps.core.metrics import CLEANED
from apps.events import validation
from apps.events.cleaning import longest_watch, repair
from apps.events.models import Event, QuarantinedEvent
from apps.events.tests.factories import make_event, send
from apps.events.types import EventFlag, EventIn
from apps.profiles.pseudonyms import pseudonym


def repaired(**fields: Any) -> tuple[EventIn, dict[str, Any]]:
    return repair(msgspec.json.encode({"type": "view", "user_id": "a", **fields}))


class TestRepair:
    @pytest.mark.parametrize(
        ("field", "sent", "meant"),
        [
            ("type", "view_event", "view"),
            ("type", "Complete_View", "complete_view"),
            ("type", " CONTENT_UPLOAD_EVENT ", "content_upload"),
            ("content_id", 17, "17"),
            ("creator_id", -3, "-3"),
            ("watch_duration", "12.5", 12.5),
            ("watch_duration", " 12 ", 12.0),
        ],
    )
    def test_nearly_right_value_is_put_right(self, field: str, sent: Any, meant: Any) -> None:
        event, replaced = repaired(**{field: sent})

        assert getattr(event, field) == meant
        assert replaced == {field: sent}

    @pytest.mark.parametrize(
        "stamp",
        [
            " 2025-10-09T08:00:00Z ",
            "2025-10-09 08:00",
            "2025-10-09T08:00",
            "2025-10-09T10:00+0200",
            "2025-10-09T08:00:00,000Z",
        ],
    )
    def test_every_iso_moment_is_understood(self, stamp: str) -> None:
        event, _ = repaired(timestamp=stamp)

        assert validation._moment(event) == 1_759_996_800_000

    def test_parts_are_put_right_too(self) -> None:
        event, replaced = repaired(
            context={"network_ms": "80", "surface": "3", "device": "iOS"},
            metadata={"duration": "9.5", "audio_id": 5},
        )

        assert event.context is not None
        assert event.metadata is not None
        assert (event.context.network_ms, event.context.surface) == (80, 3)
        assert (event.context.device, event.metadata.duration) == ("ios", 9.5)
        assert replaced["context.network_ms"] == "80"
        assert replaced["metadata.audio_id"] == 5

    def test_ids_of_viewers_are_not_noted(self) -> None:
        event, replaced = repaired(user_id=17, event_id=18)

        assert (event.user_id, event.event_id) == ("17", "18")
        assert set(replaced.values()) == {"(an id)"}

    def test_blanks_of_an_id_belong_to_it(self) -> None:
        assert repaired(type="View", content_id=" v1 ")[0].content_id == " v1 "

    @pytest.mark.parametrize(
        "fields",
        [
            {"watch_duration": "long"},
            {"watch_duration": "NaN"},
            {"watch_duration": "-1"},
            {"watch_duration": "1e999"},
            {"watch_duration": True},
            {"content_id": 1.5},
            {"content_id": True},
            {"timestamp": 1_760_000_000},
            {"timestamp": 1_760_000_000.5},
            {"timestamp": "1760000000"},
            {"timestamp": "20251009"},
            {"timestamp": "2025-99-09"},
            {"context": {"surface": "2.5"}},
            {"color": "red"},
        ],
    )
    def test_what_would_have_to_be_guessed_is_refused(self, fields: dict[str, Any]) -> None:
        with pytest.raises(msgspec.ValidationError):
            repaired(**fields)

    def test_epoch_number_is_refused_with_the_reason(self) -> None:
        with pytest.raises(msgspec.ValidationError, match="seconds or milliseconds"):
            repaired(timestamp=1_760_000_000)

    @given(
        st.dictionaries(
            st.sampled_from([*EventIn.__struct_fields__, "x"]),
            st.recursive(
                st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
                lambda part: st.lists(part) | st.dictionaries(st.text(), part),
                max_leaves=5,
            ),
        )
    )
    def test_repair_gives_an_event_or_a_validation_error(self, said: dict[str, Any]) -> None:
        text = msgspec.json.encode(said)

        try:
            event = repair(text).event
        except msgspec.ValidationError:
            return
        assert isinstance(event, EventIn)


@pytest.mark.django_db
class TestRepairedEvents:
    def test_batch_where_everything_can_be_repaired_is_accepted(self) -> None:
        make_content("17")
        events = [
            make_event("View_Event", content_id=17, watch_duration="3"),
            make_event(" like ", content_id=17, user_id=5),
        ]

        answer = send(*events)

        assert (answer.accepted, answer.rejected) == (2, [])
        view, like = Event.objects.order_by("kind")
        assert view.flags == like.flags == EventFlag.REPAIRED
        assert view.info == {
            "sent": {"type": "View_Event", "content_id": 17, "watch_duration": "3"}
        }
        assert like.viewer is not None
        assert like.viewer.pseudonym == pseudonym("5")

    def test_well_formed_event_carries_no_flag(self) -> None:
        make_content("v1")

        send(make_event())

        assert (Event.objects.get().flags, Event.objects.get().info) == (0, None)

    def test_repaired_event_is_the_same_as_the_right_one(self) -> None:
        send(make_event("view_event"))

        assert send(make_event("view")).duplicates == 1

    def test_repairs_are_counted(self) -> None:
        before = CLEANED.labels("repaired")._value.get()

        send(make_event("view_event"))

        assert CLEANED.labels("repaired")._value.get() == before + 1

    def test_repaired_event_that_waited_enters_with_its_flag(self) -> None:
        send(make_event("view_event"))

        make_content("v1")

        assert Event.objects.get().flags == EventFlag.REPAIRED
        assert Event.objects.get().info == {"sent": {"type": "view_event"}}


def watched() -> list[float | None]:
    rows = Event.objects.filter(watch_seconds__isnull=False).order_by("occurred_ms")
    return list(rows.values_list("watch_seconds", flat=True))


def view(seconds: float, at_ms: int = NOW_MS, **given: Any) -> dict[str, Any]:
    return make_event("view", at_ms, watch_duration=seconds, **given)


@pytest.mark.django_db
class TestWatchTimes:
    def test_watch_time_is_clamped_to_what_the_content_allows(self) -> None:
        make_content("v1", duration=20)

        send(view(400))

        stored = Event.objects.get()
        assert stored.watch_seconds == 30  # 1.5 × 20 s
        assert stored.flags == EventFlag.WATCH_CLAMPED
        assert stored.info == {"sent": {"watch_duration": 400}}

    @pytest.mark.parametrize("seconds", [0, 29.9, 30])
    def test_watch_time_that_is_possible_stays(self, seconds: float) -> None:
        make_content("v1", duration=20)

        send(view(seconds))

        assert (watched(), Event.objects.get().flags) == ([seconds], 0)

    def test_unknown_duration_allows_any_watch_time(self) -> None:
        make_content("v1")

        send(view(80_000))

        assert watched() == [80_000]

    def test_missing_watch_time_stays_missing(self) -> None:
        make_content("v1", duration=20)

        send(make_event())

        assert (Event.objects.get().watch_seconds, Event.objects.get().flags) == (None, 0)

    @pytest.mark.parametrize("is_one_batch", [True, False])
    def test_replays_allow_more(self, is_one_batch: bool) -> None:
        make_content("v1", duration=20)
        replays = [make_event("replay", NOW_MS - 60_000 * i) for i in (1, 2)]

        if is_one_batch:
            send(view(400), *replays)
        else:
            send(*replays)
            send(view(400))

        assert watched() == [90]  # 1.5 × 20 s × (1 + 2)

    def test_replay_stands_for_itself(self) -> None:
        make_content("v1", duration=20)

        send(make_event("replay", watch_duration=400))

        assert watched() == [60]

    @pytest.mark.parametrize(
        "replay",
        [
            make_event("replay", NOW_MS - HOUR_MS - 1),
            make_event("replay", user_id="carol"),
            make_event("replay", content_id="v2"),
            make_event("complete_view", NOW_MS - 1),
        ],
    )
    def test_only_the_viewers_replays_of_the_content_in_the_hour_count(self, replay: Any) -> None:
        make_content("v1", duration=20)
        make_content("v2", duration=20)
        send(replay)

        send(view(400))

        assert watched() == [30]

    def test_batch_sent_again_does_not_count_its_replays_twice(self) -> None:
        make_content("v1", duration=20)
        replay = make_event("replay", NOW_MS - 5, event_id="r1")
        send(replay)

        send(replay, view(400))

        assert watched() == [60]

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_order_within_a_batch_does_not_matter(self, order: tuple[int, ...]) -> None:
        make_content("v1", duration=20)
        events = [view(400), make_event("replay", NOW_MS - 1), view(40, NOW_MS - 2)]

        send(*(events[i] for i in order))

        assert watched() == [40, 60]

    def test_event_that_waited_is_clamped_when_it_enters(self) -> None:
        send(view(400))

        make_content("v1", duration=20)

        assert watched() == [30]
        assert not QuarantinedEvent.objects.exists()

    def test_clamp_takes_one_query_more_whatever_the_batch(
        self, django_assert_num_queries: Any
    ) -> None:
        make_content("v1", duration=20)
        send(view(1))
        # Erasures, savepoint (2), viewers, contents, quarantine, insert.
        with django_assert_num_queries(7):
            send(*(view(10, NOW_MS - i) for i in range(1, 100)))
        with django_assert_num_queries(8):
            send(*(view(400, NOW_MS - i) for i in range(100, 200)))

    @given(duration=st.floats(0.1, 86_400), replays=st.integers(0, 50), more=st.integers(0, 50))
    def test_limit_grows_with_replays(self, duration: float, replays: int, more: int) -> None:
        assert longest_watch(duration, replays) >= 1.5 * duration * 0.999
        assert longest_watch(duration, replays + more) >= longest_watch(duration, replays)
