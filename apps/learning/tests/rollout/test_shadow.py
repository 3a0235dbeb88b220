"""Slots as they were served, and what two bundles say of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.content import selectors as content
from apps.content.tests.factories import make_contents
from apps.core import artifacts
from apps.core.models import Artifact
from apps.learning.algorithms.promotion import State, Verdict
from apps.learning.conf import RolloutParams
from apps.learning.rollout.looks import look, passes_shadow
from apps.learning.rollout.slots import Slots, read
from apps.learning.tests.online.factories import (
    MINUTE_MS,
    NOW_MS,
    act,
    rankers,
    serve_bundle,
    show,
    store_bundle,
    watch_slates,
)
from apps.ranking.boosted import BoostedRanker
from apps.ranking.boosters import Model
from apps.ranking.rankers import Rankers

pytestmark = pytest.mark.django_db
PARAMS = RolloutParams(shadow_share=1.0)
LATER_MS = NOW_MS + 60 * MINUTE_MS


def slots(*, since_ms: int = NOW_MS, share: float = 1.0, most: int = 100) -> Slots:
    catalog = content.current_catalog()
    return read(catalog, since_ms=since_ms, until_ms=LATER_MS, share=share, most=most)


def candidate_of(given: Rankers | None = None) -> tuple[Artifact, Artifact]:
    """Return a candidate and what serves; without rankers of its own it says the same."""
    production, candidate = serve_bundle(), store_bundle(given=given)
    artifacts.name_candidate(candidate)
    candidate.refresh_from_db()
    return candidate, production


def looked(candidate: Artifact, production: Artifact) -> dict[str, Verdict]:
    """Let 30 viewers see eight contents each and watch them, then look."""
    made = make_contents(8, now_ms=NOW_MS - MINUTE_MS)
    watch_slates(30, contents=made)
    return {v.gate: v for v in look(candidate, production, PARAMS, now_ms=LATER_MS)}


def forgetful() -> Rankers:
    """Return rankers whose heads say of everything that it is nearly certain."""
    made = rankers()
    dull = dict.fromkeys(made.boosted.models, Model(None, 0.9))
    return replace(made, boosted=BoostedRanker(dull), neural=None)


class TestRead:
    def test_slots_come_with_what_followed(self) -> None:
        a, b, c = make_contents(3, now_ms=NOW_MS - MINUTE_MS)
        request_id = show("alice", [a, b, c])
        act("view", "alice", b, request_id, at_ms=NOW_MS + 1000, watch_duration=20.0)
        act("like", "alice", b, request_id, at_ms=NOW_MS + 2000)
        found = slots()
        assert len(found) == 3
        assert found.viewed.tolist() == [1]
        assert (found.labels["long_view"].tolist(), found.labels["like"].tolist()) == (
            [True],
            [True],
        )

    def test_view_of_another_viewer_or_before_the_slate_is_not_its(self) -> None:
        (a,) = make_contents(1, now_ms=NOW_MS - 100 * MINUTE_MS)
        act("view", "alice", a, None, at_ms=NOW_MS - MINUTE_MS, watch_duration=20.0)
        request_id = show("alice", [a])
        act("view", "bob", a, request_id, at_ms=NOW_MS + 1000, watch_duration=20.0)
        assert len(slots().viewed) == 0

    def test_slates_of_other_features_are_left_out(self) -> None:
        (a,) = make_contents(1, now_ms=NOW_MS - MINUTE_MS)
        show("alice", [a], schema="other")
        assert len(slots()) == 0

    def test_share_draws_the_same_slates_each_time(self) -> None:
        (a,) = make_contents(1, now_ms=NOW_MS - MINUTE_MS)
        ids = [show(f"user{i}", [a]).int for i in range(60)]
        expected = sum(i < 0.5 * 2**128 for i in ids)
        assert len(slots(share=0.5)) == len(slots(share=0.5)) == expected

    def test_latest_slates_come_first(self) -> None:
        a, b = make_contents(2, now_ms=NOW_MS - MINUTE_MS)
        show("alice", [a], at_ms=NOW_MS)
        show("alice", [b], at_ms=NOW_MS + 1)
        only = slots(most=1)
        assert len(only) == 1
        assert np.array_equal(only.features, slots().features[:1])


class TestLook:
    def test_same_bundle_passes_and_has_not_shifted(self) -> None:
        said = looked(*candidate_of())
        scores = said["shadow: scores"]
        assert scores.numbers["order kept"] == 1
        assert scores.numbers["score psi"] == 0
        assert scores.numbers["viewed"] == 240
        assert said["shadow: predictions"].state == State.PASSED
        assert said["off-policy: weighted loss"].state == State.UNKNOWN  # nothing was explored
        assert passes_shadow(list(said.values())) == (scores.state == State.PASSED)

    def test_heads_that_have_forgotten_fail(self) -> None:
        candidate, production = candidate_of(forgetful())
        said = looked(candidate, production)
        assert said["shadow: predictions"].state == State.FAILED
        assert not passes_shadow(list(said.values()))
        stored = {v["gate"]: v["state"] for v in Artifact.objects.get(pk=candidate.pk).gates}
        assert stored["shadow: predictions"] == "failed"

    def test_too_little_traffic_says_nothing(self) -> None:
        candidate, production = candidate_of()
        (verdict,) = look(candidate, production, PARAMS, now_ms=LATER_MS)
        assert (verdict.state, verdict.numbers) == (State.UNKNOWN, {"slots": 0})
