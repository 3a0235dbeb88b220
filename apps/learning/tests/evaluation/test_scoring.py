"""Figures of predictions."""

from __future__ import annotations

import numpy as np
import pytest

from apps.candidates.tests.factories import NOW_MS, make_catalog, make_log
from apps.events.types import EventType
from apps.learning.evaluation.scoring import judge_seconds, judged_views, popularity
from apps.ranking.types import Head


class TestSeconds:
    def test_order_of_like_and_unlike_pairs(self) -> None:
        seconds = np.array([1.0, 2.0, 3.0], np.float32)
        right = judge_seconds(seconds, np.array([10.0, 20.0, 30.0]))
        wrong = judge_seconds(seconds, np.array([30.0, 20.0, 10.0]))
        assert (right["xauc"], wrong["xauc"]) == (1, 0)
        assert right["mae"] == 18  # (9 + 18 + 27) / 3

    def test_constant_prediction_orders_nothing(self) -> None:
        seconds = np.array([1.0, 2.0, 3.0], np.float32)
        assert judge_seconds(seconds, np.full(3, 5.0))["xauc"] == 0.5

    def test_seconds_that_are_all_the_same_have_no_order_and_no_nan(self) -> None:
        judged = judge_seconds(np.full(4, 7.0, np.float32), np.array([1.0, 2.0, 3.0, 4.0]))
        assert judged == {"mae": 4.5, "mean": 7.0, "mean_prediction": 2.5}

    def test_unknown_seconds_are_left_out(self) -> None:
        assert judge_seconds(np.full(2, np.nan, np.float32), np.ones(2)) == {}


def test_popularity_is_the_contents_own_smoothed_rate() -> None:
    catalog = make_catalog(3)
    events = [(1, 0, NOW_MS + i, EventType.VIEW, 20.0) for i in range(10)]
    events += [(1, 1, NOW_MS + 10 + i, EventType.VIEW, 3.0) for i in range(10)]
    past = make_log(events)
    asked = make_log([(2, row, NOW_MS + 99 + row, EventType.VIEW, 20.0) for row in range(3)])
    predicted = popularity(past, catalog, judged_views(asked, catalog))[Head.LONG_VIEW]
    base = 10.1 / 21
    expected = [(10 + 20 * base) / 30, (20 * base) / 30, base]
    assert predicted == pytest.approx(expected)
