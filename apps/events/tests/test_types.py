"""The log as columns."""

from __future__ import annotations

import numpy as np
import pytest

from apps.content.tests.factories import make_catalog
from apps.events.tests.factories import make_log
from apps.events.types import EventFlag, EventLog, is_click, is_long_view

NAN = float("nan")
LONG, SHORT = int(EventFlag.LONG_VIEW), int(EventFlag.SHORT_VIEW)


@pytest.mark.parametrize(
    ("watch", "duration", "flags", "expected"),
    [
        (18.0, 60.0, 0, True),
        (17.9, 60.0, 0, False),
        (10.0, 10.0, 0, True),
        (9.9, 10.0, 0, False),
        (18.0, NAN, 0, True),
        (17.0, NAN, 0, False),
        (NAN, 10.0, 0, False),
        (NAN, NAN, 0, False),
        (NAN, NAN, LONG, True),
        (1.0, 60.0, LONG, True),
        (60.0, 60.0, SHORT, False),
        (NAN, NAN, SHORT, False),
        (60.0, 60.0, int(EventFlag.TIME_IMPUTED), True),
    ],
)
def test_view_is_long_as_declared_or_by_its_end_or_18_seconds(
    watch: float, duration: float, flags: int, expected: bool
) -> None:
    found = is_long_view(
        np.array([watch], np.float32), np.array([duration], np.float32), np.array([flags], np.int16)
    )

    assert found.tolist() == [expected]


@pytest.mark.parametrize(
    ("watch", "flags", "expected"),
    [
        (7.0, 0, True),
        (6.9, 0, False),
        (NAN, 0, False),
        (1.0, int(EventFlag.CLICK), True),
        (60.0, int(EventFlag.NO_CLICK), False),
    ],
)
def test_view_is_a_click_as_declared_or_by_seven_seconds(
    watch: float, flags: int, expected: bool
) -> None:
    found = is_click(np.array([watch], np.float32), np.array([flags], np.int16))

    assert found.tolist() == [expected]


def test_concat_puts_parts_in_time_order_and_keeps_ties() -> None:
    log = make_log(make_catalog(), 50)
    log.at_ms[10:14] = log.at_ms[10]

    joined = EventLog.concat([log.take(slice(20, 50)), log.take(slice(0, 20))])

    np.testing.assert_array_equal(joined.at_ms, log.at_ms)
    np.testing.assert_array_equal(joined.viewer[10:14], log.viewer[10:14])


def test_concat_of_nothing_is_empty_with_the_right_types() -> None:
    empty, log = EventLog.concat([]), make_log(make_catalog(), 5)

    assert len(empty) == 0
    assert EventLog.concat([empty, log]).kind.dtype == log.kind.dtype


def test_before_and_between_exclude_their_ends() -> None:
    log = make_log(make_catalog(), 50)
    moment = int(log.at_ms[20])

    assert (log.before(moment).at_ms < moment).all()
    assert len(log.before(moment)) + len(log.between(moment, 2**60)) == 50
    assert log.between(moment, moment).at_ms.tolist() == []
