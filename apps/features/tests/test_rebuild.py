"""What consumers keep is what the log says: rebuilt from it, compared, replaced."""

from __future__ import annotations

from io import StringIO
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.content.tests.factories import HOUR_MS, NOW_MS, make_content
from apps.core import live
from apps.events.models import Event
from apps.events.tests.factories import make_event, send
from apps.features import reader
from apps.features.consumers import consume
from apps.features.models import Session, Watermark
from apps.features.reader import StatsReader
from apps.features.services import rebuild, snapshot_counters
from apps.features.sessions import CONSUMER, keep_sessions, keep_up
from apps.features.snapshot import path_of_file

# Committed: on PostgreSQL a consumer sees no event of a transaction that is still running.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _without_redis(settings: Any) -> None:
    settings.REDIS_URL = ""


def send_day(n: int = 40) -> None:
    for i in range(3):
        make_content(f"v{i}", category="cars", duration=20.0)
    send(
        *(
            make_event(
                ("view", "like", "skip")[i % 3],
                NOW_MS - i * HOUR_MS // 3,
                user_id=f"user{i % 4}",
                content_id=f"v{i % 4}",  # v3 is not there
                watch_duration=i,
                event_id=f"e{i}",
            )
            for i in range(n)
        )
    )


def keep() -> None:
    snapshot_counters(at_least=1)
    keep_up()


def check() -> str:
    """Return what the check says; a difference ends it with 1."""
    out = StringIO()
    call_command("rebuild", "--check", stdout=out, stderr=out)
    return out.getvalue()


def test_what_was_kept_is_what_the_log_says() -> None:
    send_day()
    keep()

    said = check()

    lines = {line.split()[0]: line.split() for line in said.splitlines()[1:]}
    assert {"counters.content", "counters.total", "sessions"} <= set(lines)
    assert all(line[2] == "0" for line in lines.values())
    assert lines["sessions"][1] == str(Session.objects.count())


def test_check_takes_in_what_is_new_before_it_compares() -> None:
    send_day(20)
    keep()
    send_day(40)

    check()

    assert (
        Watermark.objects.get(consumer="sessions").event_id == Event.objects.order_by("-id")[0].pk
    )


def test_empty_log_is_rebuilt_to_nothing() -> None:
    assert all(found.differing == 0 for found in rebuild(check=False))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda: Session.objects.order_by("pk").first().delete(),  # type: ignore[union-attr]
        lambda: Session.objects.update(n_events=7),
        lambda: Session.objects.update(ended_ms=NOW_MS + HOUR_MS),
        lambda: Session.objects.update(started_ms=F("started_ms") - 1),
    ],
    ids=["lost", "counted", "longer", "moved"],
)
def test_sessions_that_are_wrong_are_found_and_replaced(spoil: Any) -> None:
    send_day()
    keep()
    expected = set(Session.objects.values_list("viewer", "started_ms", "ended_ms", "n_events"))
    spoil()

    with pytest.raises(SystemExit) as ended:
        check()
    call_command("rebuild", stdout=StringIO())

    assert ended.value.code == 1
    assert expected == set(
        Session.objects.values_list("viewer", "started_ms", "ended_ms", "n_events")
    )
    check()


def test_counters_that_are_wrong_are_found_and_replaced() -> None:
    send_day()
    wrong = StatsReader().read_on()
    wrong.stats.by["content"].sums[1, 0] += 1
    wrong.save()
    keep_up()

    with pytest.raises(SystemExit) as ended:
        check()
    call_command("rebuild", stdout=StringIO())

    assert ended.value.code == 1
    check()


def test_check_replaces_nothing() -> None:
    send_day()
    keep()
    Session.objects.update(n_events=7)
    before = path_of_file().read_bytes()

    with pytest.raises(SystemExit):
        check()

    assert set(Session.objects.values_list("n_events", flat=True)) == {7}
    assert path_of_file().read_bytes() == before


# Users, contents (v2 comes late or never), kinds, and moments on a grid around the 30 minutes.
_events = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob"]),
        st.integers(0, 2),
        st.sampled_from(["view", "view", "like", "share", "hide", "unlike"]),
        st.integers(0, 50).map(lambda tens: tens * 600_000),
        st.sampled_from([None, 0.0, 12.0, 2400.0]),
    ),
    max_size=15,
    unique=True,
)


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    _events.flatmap(lambda e: st.tuples(st.just(e), st.permutations(e))),
    st.integers(1, 6),
    st.integers(0, 6),
)
def test_any_order_repeats_and_parts_are_kept_as_they_are_rebuilt(
    both: tuple, size: int, content_comes_after: int
) -> None:
    in_order, shuffled = both
    _forget_everything()
    for i in range(2):
        make_content(f"v{i}", duration=20.0)
    following = reader.StatsReader()

    for step, start in enumerate(range(0, len(shuffled), size)):
        part = [_sent(act, in_order.index(act)) for act in shuffled[start : start + size]]
        send(*part)
        assert send(*part).accepted == 0  # posted twice
        if step == content_comes_after:
            make_content("v2", duration=20.0)
        following.read_on()
        snapshot_counters(at_least=1)
        consume(CONSUMER, keep_sessions, limit=3)

    for found in rebuild(check=True):
        assert found.differing == 0, found
    in_log = Event.objects.count()  # what is about v2 waits until v2 is there
    rebuilt = StatsReader().read_on()
    following.read_on()
    assert following.stats.n_events == rebuilt.stats.n_events == in_log
    for name, counters in rebuilt.stats.by.items():
        rows = np.arange(rebuilt.stats.sizes[name])
        kept = following.stats.by[name].at(rows, NOW_MS)
        np.testing.assert_allclose(kept, counters.at(rows, NOW_MS), rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(kept[..., -1], counters.at(rows, NOW_MS)[..., -1])


def _sent(act: tuple, number: int) -> dict[str, Any]:
    user, content, kind, ago, watch = act
    return make_event(
        kind,
        NOW_MS - ago,
        user_id=user,
        content_id=f"v{content}",
        watch_duration=watch,
        event_id=f"e{number}",
    )


def _forget_everything() -> None:
    """Start an example anew: the database is flushed only after the last."""
    call_command("flush", interactive=False, verbosity=0)
    path_of_file().unlink(missing_ok=True)
    live.reset_all()
