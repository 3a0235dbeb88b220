"""Slots: of each view, as they were served, and a ranker that is asked about the first one."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from apps.candidates.tests.factories import Happened, make_log
from apps.content import selectors as content
from apps.content.tests.factories import make_contents
from apps.events.services import SlateRow, log_slate
from apps.events.types import EventLog
from apps.features.encoding import fit as fit_encoder
from apps.features.selectors import NAMES
from apps.learning.outcomes import OUTCOME_WINDOW_MS
from apps.learning.slots import Slots, read_slots, slots_of
from apps.learning.tests.online.factories import MINUTE_MS, NOW_MS, act, show
from apps.profiles.services import ensure_viewers
from apps.ranking.boosted import BoostedParams
from apps.ranking.boosted import fit as fit_boosted
from apps.ranking.inputs import Inputs
from apps.ranking.rankers import SELECT_HASH
from apps.ranking.types import LEARNED, Head

AT_MS = 1_767_225_600_000
SLOT = NAMES.index("slot")


def serve(viewer: int, pks: list[int], at_ms: int) -> None:
    n = len(pks)
    log_slate(
        SlateRow(
            *(uuid.uuid4(), viewer, uuid.uuid4(), at_ms, 0, 0, "made", "", ""),
            content_pks=np.array(pks),
            scores=np.zeros(n),
            sources=np.ones(n, np.uint32),
            propensities=np.ones(n),
            features=None,
        )
    )


@pytest.mark.django_db
class TestSlotsOf:
    def test_view_has_the_slot_of_the_latest_slate_that_showed_its_content(self) -> None:
        alice, bob = ensure_viewers(["alice", "bob"]).values()
        pks = [key.pk for key in content.content_keys(make_contents(3)).values()]
        serve(alice, [pks[0], pks[1], pks[2]], AT_MS)
        serve(alice, [pks[2], pks[0]], AT_MS + 1000)
        serve(bob, [pks[1]], AT_MS)
        rows = content.catalog().rows_of(np.array(pks)).tolist()
        log = make_log(
            [
                Happened(alice, rows[2], AT_MS + 500),
                Happened(bob, rows[1], AT_MS + 600),
                Happened(bob, rows[2], AT_MS + 700),  # never shown to bob
                Happened(alice, rows[2], AT_MS + 1500),
                Happened(alice, rows[1], AT_MS + 1600),
                Happened(alice, rows[0], AT_MS + 1001 + OUTCOME_WINDOW_MS),  # too late
            ]
        )
        slots = slots_of(log, content.catalog())
        np.testing.assert_array_equal(slots, [3, 1, np.nan, 1, 2, np.nan])
        assert np.isnan(slots_of(log, content.catalog(), schema=SELECT_HASH)).all()

    def test_log_without_slates_has_no_slots(self) -> None:
        log = make_log([Happened(1, 0, AT_MS)])
        assert np.isnan(slots_of(log, content.catalog())).all()
        assert len(slots_of(EventLog.empty(), content.catalog())) == 0


def slots_at(*, since_ms: int = NOW_MS, share: float = 1.0, most: int = 100) -> Slots:
    catalog = content.current_catalog()
    until_ms = NOW_MS + 60 * MINUTE_MS
    return read_slots(catalog, since_ms=since_ms, until_ms=until_ms, share=share, most=most)


@pytest.mark.django_db
class TestRead:
    def test_slots_come_with_what_followed(self) -> None:
        a, b, c = make_contents(3, now_ms=NOW_MS - MINUTE_MS)
        request_id = show("alice", [a, b, c])
        act("view", "alice", b, request_id, at_ms=NOW_MS + 1000, watch_duration=20.0)
        act("like", "alice", b, request_id, at_ms=NOW_MS + 2000)
        found = slots_at()
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
        assert len(slots_at().viewed) == 0

    def test_slates_of_other_features_are_left_out(self) -> None:
        (a,) = make_contents(1, now_ms=NOW_MS - MINUTE_MS)
        show("alice", [a], schema="other")
        assert len(slots_at()) == 0

    def test_share_draws_the_same_slates_each_time(self) -> None:
        (a,) = make_contents(1, now_ms=NOW_MS - MINUTE_MS)
        ids = [show(f"user{i}", [a]).int for i in range(60)]
        expected = sum(i < 0.5 * 2**128 for i in ids)
        assert len(slots_at(share=0.5)) == len(slots_at(share=0.5)) == expected

    def test_latest_slates_come_first(self) -> None:
        a, b = make_contents(2, now_ms=NOW_MS - MINUTE_MS)
        show("alice", [a], at_ms=NOW_MS)
        show("alice", [b], at_ms=NOW_MS + 1)
        only = slots_at(most=1)
        assert len(only) == 1
        assert np.array_equal(only.features, slots_at().features[:1])


def examined(n: int = 20_000) -> tuple[Inputs, np.ndarray, np.ndarray]:
    """Return pairs with slots, what came of them, and the chance that each has in the first slot.

    A viewer looks at slot s with chance 1/s: what is deep in the page is watched less.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, len(NAMES))).astype(np.float32)
    x[:, SLOT] = rng.integers(1, 11, n)
    truth = 0.2 + 0.1 * np.tanh(x[:, 0])
    y = (rng.random(n) < truth / x[:, SLOT]).astype(np.float32)
    return Inputs.of_strangers(x), y, truth


class TestPosition:
    @staticmethod
    def mean_expected(inputs: Inputs, y: np.ndarray, *, knows_slots: bool) -> float:
        """Return the mean long view expected in the first slot."""
        learned, asked = inputs.features.copy(), inputs.features.copy()
        if not knows_slots:
            learned[:, SLOT] = np.nan
        asked[:, SLOT] = 1
        labels = {head: np.zeros(len(y), np.float32) for head in LEARNED} | {Head.LONG_VIEW: y}
        trees = fit_boosted(Inputs(learned, inputs.ids), labels, BoostedParams())
        return float(trees.predict(Inputs(asked, inputs.ids))[Head.LONG_VIEW].mean())

    def test_known_slots_bring_the_chance_in_the_first_slot_back(self) -> None:
        inputs, y, truth = examined()
        # True .200; among all slots .2 · mean(1/s) = .2 · .293 = .059.
        assert self.mean_expected(inputs, y, knows_slots=True) == pytest.approx(
            truth.mean(), abs=0.015
        )
        assert self.mean_expected(inputs, y, knows_slots=False) == pytest.approx(0.059, abs=0.01)

    def test_a_window_without_slots_is_encoded_as_one_when_a_slot_is_asked_for(self) -> None:
        x = np.random.default_rng(0).normal(size=(200, len(NAMES))).astype(np.float32)
        x[:, SLOT] = np.nan
        encoder = fit_encoder(x)
        asked = x.copy()
        asked[:, SLOT] = 1
        np.testing.assert_array_equal(encoder.transform(asked), encoder.transform(x))
