"""Reading slates."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from apps.content.tests.factories import NOW_MS
from apps.events.models import Slate
from apps.events.slates import served
from apps.profiles.services import ensure_viewers

pytestmark = pytest.mark.django_db


def make_slate(viewer: int, pks: list[int], served_ms: int) -> Slate:
    n = len(pks)
    return Slate.objects.create(
        id=uuid.uuid4(),
        viewer_id=viewer,
        feed_session=uuid.uuid4(),
        served_ms=served_ms,
        first_position=0,
        ranker="rank_fusion",
        content_pks=np.array(pks, "<i8").tobytes(),
        scores=np.zeros(n, "<f4").tobytes(),
        sources=np.zeros(n, "<u4").tobytes(),
        propensities=np.ones(n, "<f4").tobytes(),
        features=b"",
    )


def test_served_joins_the_viewers_slates_since_a_moment() -> None:
    viewer, other = ensure_viewers(["alice", "carol"]).values()
    make_slate(viewer, [1, 2], NOW_MS - 10)
    make_slate(viewer, [3], NOW_MS - 5)
    make_slate(viewer, [4], NOW_MS - 11)
    make_slate(other, [5], NOW_MS)

    assert sorted(served(viewer, since_ms=NOW_MS - 10).tolist()) == [1, 2, 3]


def test_nothing_served_is_empty() -> None:
    viewer = ensure_viewers(["alice"])["alice"]
    assert served(viewer, since_ms=0).tolist() == []
    make_slate(viewer, [], NOW_MS)
    assert served(viewer, since_ms=0).tolist() == []
