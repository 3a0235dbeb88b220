"""Slots of a page, and whether the chances that are logged are those that happen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from apps.ranking.algorithms.bandits import Thompson, chances
from apps.ranking.algorithms.slots import EXPLOIT, Arms, Floats, Ints, fill

CONTENT = np.array([-1, -1, 0, -1, 1, 2])  # candidates 2, 4 and 5 are arms
TOPIC = np.array([0, 0, 1, 1, 0, -1])
PAGES = 3000


def by_lot(arms: Ints) -> Floats:
    return np.full(len(arms), 1 / len(arms))


def by_thompson(rng: np.random.Generator) -> Callable[[Ints], Floats]:
    values = Thompson(draws=16).values(np.array([2.0, 5.0, 1.0]), np.array([3.0, 5.0, 1.0]), rng)
    return lambda arms: chances(values[arms], 0.05)


def test_without_shares_the_order_stays_and_is_certain() -> None:
    kinds = [Arms(0.0, CONTENT, by_lot), Arms(0.0, TOPIC, by_lot)]

    filled = fill(6, kinds, 4, np.random.default_rng(0))

    assert filled.picked.tolist() == [0, 1, 2, 3]
    assert filled.propensity.tolist() == [1.0] * 4
    assert set(filled.kind.tolist()) == {EXPLOIT}


def test_a_slot_that_explores_plays_an_arm_by_its_chance() -> None:
    filled = fill(6, [Arms(1.0, CONTENT, by_lot)], 6, np.random.default_rng(0))

    assert sorted(filled.picked[:3].tolist()) == [2, 4, 5]
    np.testing.assert_allclose(filled.propensity, [1 / 3, 1 / 2, 1, 1, 1, 1])
    assert filled.picked[3:].tolist() == [0, 1, 3]  # no arm is left: the best of the others


def test_the_best_of_all_has_the_chance_of_being_explored_too() -> None:
    # P(0) = .8 + .2 · 1/2: topic 0 is one of two, and 0 is its best
    filled = fill(5, [Arms(0.2, TOPIC[:5], by_lot)], 1, np.random.default_rng(1))

    assert filled.picked.tolist() == [0]
    assert filled.propensity[0] == pytest.approx(0.9)


def test_no_candidate_comes_twice_and_none_is_made_up() -> None:
    rng = np.random.default_rng(2)
    kinds = [Arms(0.4, CONTENT, by_thompson(rng)), Arms(0.4, TOPIC, by_lot)]

    filled = fill(6, kinds, 20, rng)

    assert sorted(filled.picked.tolist()) == list(range(6))


def test_exploring_keeps_the_cap_while_there_are_others() -> None:
    # Candidates 0, 1 and 2 are of one creator: one of them at first, the others at the end
    creator = np.array([7, 7, 7, 1, 2, 3])
    kinds = [Arms(0.5, CONTENT, by_lot)]

    for seed in range(20):
        filled = fill(6, kinds, 6, np.random.default_rng(seed), creator=creator, cap=1)
        assert np.count_nonzero(creator[filled.picked[:4]] == 7) == 1
        assert sorted(filled.picked.tolist()) == list(range(6))


@pytest.mark.parametrize("slot", [0, 1, 2])
def test_weighing_by_propensity_gives_what_any_other_choice_would_show(slot: int) -> None:
    """E[f(pick) / propensity] over pages is Σ f over what could be picked; see the benchmark."""
    value = np.array([1.0, 5, 2, 4, 3, 6])
    rng = np.random.default_rng(3)
    off = []
    for _ in range(PAGES):
        kinds = [Arms(0.3, CONTENT, by_thompson(rng)), Arms(0.3, np.arange(6), by_lot)]
        filled = fill(6, kinds, slot + 1, rng)
        left = np.setdiff1d(np.arange(6), filled.picked[:slot])
        weighed = value[filled.picked[slot]] / filled.propensity[slot]
        off.append(weighed - value[left].sum())  # topics by lot: everything left can come

    assert abs(np.mean(off)) < 4 * np.std(off) / np.sqrt(PAGES)
