"""The boost of the specification: score · (1 + β · trend)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.tests.factories import make_request
from apps.content.models import Content
from apps.content.selectors import catalog
from apps.content.tests.factories import HOUR_MS, NOW_MS, make_contents
from apps.core.candidates import Candidates
from apps.features.models import Trend
from apps.ranking.trend import TrendBoost

pytestmark = pytest.mark.django_db
SCORES = np.array([0.5, 0.4, 0.3])


def boosted(beta: float, *, scores: np.ndarray = SCORES, later_ms: int = 0) -> list[float]:
    request = make_request(catalog())
    request = replace(request, query=replace(request.query, at_ms=NOW_MS + later_ms))
    found = TrendBoost(lambda request: beta)(request, Candidates(np.arange(3), {"score": scores}))
    assert len(found["trend"]) == 3
    return found["score"].tolist()


@pytest.fixture(autouse=True)
def _third_trends() -> None:
    make_contents(3)
    third = Content.objects.get(pk=catalog().content_pk[2])
    Trend.objects.create(
        content=third,
        started_ms=NOW_MS,
        bucket_ms=NOW_MS,
        viewers=40,
        baseline=4,
        factor=0.8,
        computed_ms=NOW_MS,
    )


def test_boost_is_the_formula() -> None:
    assert boosted(0.5) == pytest.approx([0.5, 0.4, 0.3 * 1.4])


def test_without_beta_nothing_changes() -> None:
    assert boosted(0.0) == SCORES.tolist()


def test_boost_lifts_negative_scores_too() -> None:
    found = boosted(0.5, scores=np.array([-1.0, -3.0, -2.0]))

    assert found == pytest.approx([-1, -3, -3 + 1 * 1.4])


def test_boost_halves_in_two_hours_and_ends() -> None:
    assert boosted(0.5, later_ms=2 * HOUR_MS)[2] == pytest.approx(0.3 * 1.2)
    assert boosted(0.5, later_ms=24 * HOUR_MS) == SCORES.tolist()


def test_past_does_not_know_the_trend() -> None:
    assert boosted(0.5, later_ms=-HOUR_MS) == SCORES.tolist()
