"""Thresholds keep what they promise on the texts they were calibrated on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.moderation.algorithms.zones import NEVER, Zones, calibrate


def test_zones_follow_from_a_hand_worked_example() -> None:
    # 4 clean for certain at .1 .2 .3 .8: one in four may be flagged, review begins just above .3.
    # 5 clean at all, the doubtful one at .9: one in five may be blocked, block just above .8.
    scores = np.array([0.1, 0.2, 0.3, 0.8, 0.9, 0.7, 0.95])
    is_bad = np.array([False] * 5 + [True] * 2)
    is_certain = np.array([True] * 4 + [False] + [True] * 2)
    shares = {"clean_flagged": 0.25, "clean_blocked": 0.2}

    zones = calibrate(scores, is_bad, is_certain, **shares, least_clean=5)

    assert 0.3 < zones.review < 0.3000001
    assert 0.8 < zones.block < 0.8000001
    assert calibrate(scores, is_bad, is_certain, **shares, least_clean=6).block == NEVER


def test_thresholds_belong_to_the_zone_above() -> None:
    zones = Zones(0.4, 0.9)

    assert [zones.of(s) for s in (0.39, 0.4, 0.89, 0.9)] == ["allow", "review", "review", "block"]


def test_no_clean_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no clean text"):
        calibrate(np.array([0.5]), np.array([True]), np.array([True]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80).filter(
        lambda rows: any(not bad for _, bad in rows)
    ),
    st.floats(0, 0.5),
)
def test_no_more_of_the_clean_is_flagged_than_allowed(
    rows: list[tuple[float, bool]], share: float
) -> None:
    scores, is_bad = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])

    zones = calibrate(scores, is_bad, is_bad | True, clean_flagged=share, least_clean=1)

    assert (scores[~is_bad] >= zones.review).mean() <= share
    assert zones.review <= zones.block
