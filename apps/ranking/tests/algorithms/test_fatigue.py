"""How "not for me" fades."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats

from apps.ranking.algorithms.fatigue import closeness, of_creator, of_topic


@pytest.mark.parametrize(
    ("days", "factor"),
    [(0, 0), (13.999, 0), (14, 0.2), (84, 0.6), (154, 1), (9999, 1)],
)
def test_creator_is_out_and_then_returns_in_a_straight_line(days: float, factor: float) -> None:
    found = of_creator(np.array([float(days)]), mute_days=14, recovery_days=140)

    assert found == pytest.approx([factor])


def test_first_dislike_takes_half_and_many_never_lose_a_topic() -> None:
    found = of_topic(np.array([0, 0.5, 1, 2, 1000]), np.zeros(5))

    # 1 − .8 · .5/1.1, 1 − .8 · 1/1.6, 1 − .8 · 2/2.6
    assert found == pytest.approx([1, 0.63636, 0.5, 0.38462, 0.2], abs=1e-3)


@given(floats(0, 50), floats(0, 50), floats(0.01, 50))
def test_dislikes_demote_and_what_is_enjoyed_defends(
    disliked: float, liked: float, more: float
) -> None:
    one, worse, better = of_topic(
        np.array([disliked, disliked + more, disliked]), np.array([liked, liked, liked + more])
    )

    assert 0.2 <= worse <= one <= better <= 1


def test_closeness_is_half_category_and_half_tags() -> None:
    category, tags = np.array([3, 3, 1, -1]), np.array([[1, 2], [5, -1], [2, 1], [-1, -1]])

    found = closeness(category, tags, np.array([3, -1]), np.array([[1, 2], [-1, -1]]))

    assert found[:, 0] == pytest.approx([1.0, 0.5, 0.5, 0.0])
    assert found[:, 1] == pytest.approx([0, 0, 0, 0])  # nothing known is close to nothing
