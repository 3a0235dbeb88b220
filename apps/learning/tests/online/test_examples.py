"""Examples: features as served, labels as settled, and what came late."""

from __future__ import annotations

import numpy as np
import pytest

from apps.content import selectors as content
from apps.content.tests.factories import make_contents
from apps.events import selectors as events
from apps.events.models import Slate
from apps.features.selectors import NAMES
from apps.learning.online.examples import Found, Window, read
from apps.learning.tests.online.factories import MINUTE_MS, NOW_MS, act, rankers, show
from apps.profiles.models import Viewer
from apps.profiles.services import ensure_viewers
from apps.ranking.types import LEARNED, WATCH_QUANTILE, Head

pytestmark = pytest.mark.django_db(transaction=True)  # on PostgreSQL only what is committed
DELAY_MS = 10 * MINUTE_MS
SLOT = NAMES.index("slot")


@pytest.fixture(autouse=True)
def contents() -> list[str]:
    return make_contents(4, now_ms=NOW_MS - 100 * MINUTE_MS)


def end() -> tuple[int, int]:
    return events.committed((0, 0)).values_list("transaction_id", "id").last() or (0, 0)


def found(after: tuple[int, int] = (0, 0), *, known_until_ms: int = 0) -> Found:
    content.current_catalog()
    return read(Window(after, end(), DELAY_MS, known_until_ms), rankers().watch)


def labels(part: np.ndarray, head: Head) -> list[float]:
    return part[:, LEARNED.index(head)].tolist()


def test_view_has_the_features_of_its_slot_as_they_were_logged() -> None:
    request_id = show("alice", ["v0", "v1", "v2"])
    act("view", "alice", "v2", request_id, watch_duration=20.0)
    fresh = found().fresh
    packed = np.frombuffer(bytes(Slate.objects.get().features), "<f4").reshape(3, -1)
    expected = packed[2, -len(NAMES) :].copy()
    expected[SLOT] = 3  # where it was shown, as in every training
    np.testing.assert_array_equal(fresh.inputs.features[0], expected)
    assert labels(fresh.y, Head.LONG_VIEW) == [1]
    assert 0 <= labels(fresh.y, WATCH_QUANTILE)[0] <= 1


def test_only_contents_that_were_watched_are_examples() -> None:
    request_id = show("alice", ["v0", "v1", "v2"])
    act("view", "alice", "v1", request_id, watch_duration=1.0)
    fresh = found().fresh
    assert labels(fresh.y, Head.SKIP) == [1]
    assert labels(fresh.y, Head.LIKE) == [0]


def test_outcome_within_the_delay_is_the_label_of_its_view() -> None:
    request_id = show("alice", ["v0"])
    act("view", "alice", "v0", request_id)
    act("like", "alice", "v0", None, at_ms=NOW_MS + DELAY_MS)
    both = found()
    assert labels(both.fresh.y, Head.LIKE) == [1]
    assert len(both.late) == 0


def test_outcome_after_the_delay_is_learned_alone_when_the_log_comes_to_it() -> None:
    request_id = show("alice", ["v0"])
    act("view", "alice", "v0", request_id)
    first = end()
    act("like", "alice", "v0", None, at_ms=NOW_MS + DELAY_MS + 1)
    whole = found()
    assert labels(whole.fresh.y, Head.LIKE) == [0]  # as anybody would have said after the delay
    later = found(first)
    assert len(later.fresh) == 0
    assert labels(later.late.y, Head.LIKE) == [1]
    assert np.isfinite(later.late.y).sum() == 1  # nothing else is said a second time
    np.testing.assert_array_equal(later.late.inputs.features, whole.fresh.inputs.features)


def test_late_outcome_is_learned_once_however_often_it_is_said() -> None:
    request_id = show("alice", ["v0"])
    act("view", "alice", "v0", request_id)
    act("share", "alice", "v0", None, at_ms=NOW_MS + DELAY_MS + 1)
    first = end()
    act("share", "alice", "v0", None, at_ms=NOW_MS + DELAY_MS + 5000)
    assert len(found().late) == 1
    assert len(found(first).late) == 0


def test_outcome_that_happened_in_time_but_arrived_late_is_late() -> None:
    request_id = show("alice", ["v0"])
    act("view", "alice", "v0", request_id)
    act("like", "alice", "v0", None, at_ms=NOW_MS + 1000, received_ms=NOW_MS + DELAY_MS + 1)
    assert labels(found().fresh.y, Head.LIKE) == [0]
    assert labels(found().late.y, Head.LIKE) == [1]


def test_each_event_is_in_exactly_one_of_two_windows_in_a_row() -> None:
    request_id = show("alice", ["v0", "v1", "v2", "v3"])
    act("view", "alice", "v0", request_id)
    act("view", "alice", "v1", request_id, at_ms=NOW_MS + 1)
    middle = end()
    act("view", "alice", "v2", request_id, at_ms=NOW_MS + 2)
    last = end()
    parts = [
        read(Window(a, b, DELAY_MS, 0), rankers().watch)
        for a, b in (((0, 0), middle), (middle, last), (last, last))
    ]
    assert [len(part.fresh) for part in parts] == [2, 1, 0]


def test_why_a_view_is_no_example_is_counted() -> None:
    make_contents(2, prefix="w", now_ms=NOW_MS - 100 * MINUTE_MS)
    mine, other = show("alice", ["v0"]), show("bob", ["v1"])
    old, empty = show("alice", ["v2"], schema="0ld"), show("alice", ["v3"], schema="")
    act("view", "alice", "v0", mine)
    act("view", "alice", "v1", other)  # another viewer's page
    act("view", "alice", "w0", mine)  # not on that page
    act("view", "alice", "v2", old)
    act("view", "alice", "v3", empty)
    act("view", "alice", "w1", "6e7ac0c4-0000-4000-8000-000000000000")  # type: ignore[arg-type]
    all_of_them = found()
    assert len(all_of_them.fresh) == 1
    assert all_of_them.skipped == {
        "not in the slate": 2,
        "other features": 1,
        "no features": 1,
        "no slate": 1,
    }


def test_who_refused_personalization_teaches_nothing() -> None:
    for user in ("alice", "bob"):
        act("view", user, "v0", show(user, ["v0"]))
    Viewer.objects.filter(pk=ensure_viewers(["alice"])["alice"]).update(personalization=False)
    assert found().fresh.viewer.tolist() == [ensure_viewers(["bob"])["bob"]]


def test_views_that_the_bundle_has_learned_from_are_passed_over() -> None:
    request_id = show("alice", ["v0", "v1"])
    act("view", "alice", "v0", request_id)
    act("view", "alice", "v1", request_id, at_ms=NOW_MS + 1)
    newer = found(known_until_ms=NOW_MS)
    assert len(newer.fresh) == 1
    assert newer.skipped == {"known": 1}


def test_number_of_queries_is_that_of_one_view(django_assert_max_num_queries: object) -> None:
    for user in ("alice", "bob", "carol"):
        request_id = show(user, ["v0", "v1", "v2"])
        for content_id in ("v0", "v1", "v2"):
            act("view", user, content_id, request_id)
    content.current_catalog()
    window = Window((0, 0), end(), DELAY_MS, 0)
    with django_assert_max_num_queries(9):  # type: ignore[operator]  settled_before: three
        assert len(read(window, rankers().watch).fresh) == 9
