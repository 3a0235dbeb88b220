"""The gates: what is held out, and what they say of bundles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.candidates.sources import SOURCES
from apps.candidates.tests.factories import make_catalog
from apps.core.models import Artifact
from apps.core.pipeline import Pipeline
from apps.core.tests.test_artifacts import make_artifact
from apps.learning import gates
from apps.learning.algorithms.promotion import GateParams, State
from apps.learning.bundle import Bundle
from apps.learning.gates import Trial, held_out
from apps.learning.moments import Moment
from apps.learning.slices import timed_views
from apps.learning.tests.factories import N_CONTENTS, PARAMS, returning_viewers
from apps.learning.training import train_all
from apps.ranking.boosted import BoostedRanker
from apps.ranking.boosters import Model
from apps.ranking.rankers import Rankers
from apps.ranking.scorers import Depth, LearnedSelect, RankFusion
from apps.ranking.types import Head

pytestmark = pytest.mark.django_db
CATALOG = make_catalog(N_CONTENTS)
LOG = returning_viewers()
KNOWN_MS = int(np.median(LOG.at_ms))  # production knows the first half
GATES = GateParams(min_viewers=10, min_views=50, k=5)


def served(
    then: Moment, rankers: Rankers, viewers: Sequence[int], k: int
) -> Iterator[NDArray[np.int64]]:
    """Recommend as the feed does."""
    ladder = (LearnedSelect(lambda request: rankers, lambda request: Depth(50, 50)), RankFusion())
    for viewer in viewers:
        request = then.request(viewer)
        found = Pipeline(SOURCES, (), ladder, ()).run(request, request.excluded()).candidates
        yield found.rows[np.argsort(-found["score"], kind="stable")[:k]]


@lru_cache
def bundle() -> Bundle:
    held = held_out(LOG, after_ms=KNOWN_MS, params=GATES)
    assert held is not None
    trained = train_all(held.past, CATALOG, PARAMS, version="v", say=lambda _: None)
    return Bundle("v", trained.retrieval, trained.rankers, trained.encoder)


def trial(candidate: Bundle, *, is_refresh: bool = True) -> Trial:
    held = held_out(LOG, after_ms=KNOWN_MS, params=GATES)
    return Trial(candidate, bundle(), held, CATALOG, served, GATES, is_refresh)


def with_heads(**changed: Model) -> Bundle:
    """Return the bundle with some heads changed; the trees alone answer."""
    rankers = bundle().rankers
    boosted = BoostedRanker({**rankers.boosted.models, **changed})
    return bundle()._replace(rankers=replace(rankers, boosted=boosted, neural=None))


class TestHeldOut:
    def test_it_is_the_latest_part_of_what_is_new(self) -> None:
        part = held_out(LOG, after_ms=KNOWN_MS, params=GATES)
        assert part is not None
        new = LOG.take(timed_views(LOG) & (LOG.at_ms > KNOWN_MS))
        views = int(timed_views(part.future).sum())
        assert views == min(len(new) // 4, int(timed_views(LOG).sum() * 0.1))
        assert part.past.at_ms.max() < part.at_ms <= part.future.at_ms.min()
        assert part.at_ms > KNOWN_MS

    def test_nothing_is_held_out_where_little_is_new(self) -> None:
        assert held_out(LOG, after_ms=int(LOG.at_ms[-1]), params=GATES) is None
        few = replace(GATES, min_views=5000)
        assert held_out(LOG, after_ms=KNOWN_MS, params=few) is None


class TestGates:
    def test_same_bundle_passes_every_gate_as_a_refresh(self) -> None:
        assert {g(trial(bundle())).state for g in gates.GATES} == {State.PASSED}

    def test_same_bundle_is_no_improvement(self) -> None:
        verdict = gates.offline_lists(trial(bundle(), is_refresh=False))
        assert verdict.state == State.FAILED
        assert verdict.numbers["difference"] == 0

    def test_head_that_has_forgotten_everything_fails(self) -> None:
        verdict = gates.offline_heads(trial(with_heads(long_view=Model(None, 0.9))))
        assert verdict.state == State.FAILED
        assert "log-loss of long_view" in verdict.reason

    def test_head_that_is_no_number_is_not_sane(self) -> None:
        verdict = gates.sanity(trial(with_heads(**{Head.LIKE.value: Model(None, np.nan)})))
        assert verdict.state == State.FAILED
        assert verdict.reason == "not finite: like"

    def test_without_new_views_offline_gates_say_not_enough(self) -> None:
        said = [g(replace(trial(bundle()), held=None)).state for g in gates.GATES]
        assert said == [State.PASSED, State.UNKNOWN, State.UNKNOWN]


class TestJudge:
    def test_what_gates_say_is_stored_with_the_version(self) -> None:
        artifact = make_artifact()
        gates.judge(artifact, trial(bundle()))
        stored = Artifact.objects.get(pk=artifact.pk).gates
        assert [v["gate"] for v in stored] == [
            "sanity",
            "offline: ranked lists",
            "offline: predictions",
        ]
        assert stored[1]["numbers"]["viewers"] >= 10

    def test_first_version_needs_to_be_sane_only(self) -> None:
        verdicts = gates.judge(make_artifact(), replace(trial(bundle()), production=None))
        assert [(v.gate, v.state) for v in verdicts] == [("sanity", State.PASSED)]
