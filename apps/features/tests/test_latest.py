"""The latest views."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apps.features.latest import LatestViews, Views

VIEW = st.tuples(
    st.integers(0, 20), st.integers(0, 3), st.integers(0, 3), st.sampled_from([0, 0.5, 1])
)


def views(rows: list[tuple[int, int, int, float]]) -> Views:
    at_ms, viewer, content = (np.array([row[i] for row in rows], np.int64) for i in range(3))
    return Views(at_ms, viewer, content, np.array([row[3] for row in rows], np.float32))


@given(st.lists(VIEW), st.randoms(use_true_random=False), st.lists(st.integers(1, 7), min_size=1))
def test_they_are_the_same_in_any_order_and_parts(rows: list, random: object, sizes: list) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    latest = LatestViews(most=8)
    start = 0
    for size in sizes * (len(rows) + 1):
        latest.add(views(shuffled[start : start + size]))
        start += size
    found = latest.read()
    expected = sorted(rows, key=lambda row: (row[0], row[1], row[2], row[3]))[-8:]
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


def test_none_yet() -> None:
    assert len(LatestViews().read().at_ms) == 0
