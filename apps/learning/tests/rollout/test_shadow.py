"""What two bundles say of slots as they were served."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.content.tests.factories import make_contents
from apps.core import artifacts
from apps.core.models import Artifact
from apps.learning.algorithms.promotion import State, Verdict
from apps.learning.conf import RolloutParams
from apps.learning.rollout.looks import look, passes_shadow
from apps.learning.tests.online.factories import (
    MINUTE_MS,
    NOW_MS,
    rankers,
    serve_bundle,
    store_bundle,
    watch_slates,
)
from apps.ranking.boosted import BoostedRanker
from apps.ranking.boosters import Model
from apps.ranking.rankers import Rankers

pytestmark = pytest.mark.django_db
PARAMS = RolloutParams(shadow_share=1.0)
LATER_MS = NOW_MS + 60 * MINUTE_MS


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
