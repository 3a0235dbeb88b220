"""Policies: what they choose, and that their chances are chances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ranking.algorithms.bandits import (
    POLICIES,
    EpsilonGreedy,
    Floats,
    Policy,
    Thompson,
    UpperConfidence,
    chances,
    graduated,
)


@pytest.fixture(params=sorted(POLICIES))
def policy(request: pytest.FixtureRequest) -> Policy:
    made: Policy = POLICIES[request.param]()
    return made


def chances_of(policy: Policy, alpha: Floats, beta: Floats, seed: int = 0) -> Floats:
    return chances(policy.values(alpha, beta, np.random.default_rng(seed)), policy.floor)


@pytest.mark.parametrize("name", sorted(POLICIES))
@given(st.lists(st.tuples(st.floats(0.1, 500), st.floats(0.1, 500)), min_size=1, max_size=12))
def test_chances_are_above_nothing_and_add_up_to_one(
    name: str, counts: list[tuple[float, float]]
) -> None:
    alpha, beta = np.array(counts).T

    found = chances_of(POLICIES[name](), alpha, beta)

    assert (found > 0).all()
    assert found.sum() == pytest.approx(1)


def test_an_arm_known_to_be_better_is_played_most(policy: Policy) -> None:
    found = chances_of(policy, np.array([300.0, 100.0]), np.array([100.0, 300.0]))

    assert found[0] > 0.9


def test_epsilon_greedy_shares_the_rest_alike() -> None:
    found = chances_of(EpsilonGreedy(0.3), np.array([5.0, 1, 1]), np.array([5.0, 9, 9]))

    np.testing.assert_allclose(found, [0.8, 0.1, 0.1])


def test_upper_confidence_tries_what_was_tried_least_at_equal_means() -> None:
    policy = UpperConfidence(floor=0)

    assert chances_of(policy, np.array([50.0, 5]), np.array([50.0, 5])).tolist() == [0, 1]


def test_thompson_plays_an_arm_as_often_as_it_is_the_best() -> None:
    # P(X > Y) of X ~ Beta(2, 1), Y ~ Beta(1, 1) is E[X] = 2/3; 20,000 draws: deviation .0033
    found = chances_of(Thompson(draws=20_000, floor=0), np.array([2.0, 1]), np.array([1.0, 1]))

    assert found[0] == pytest.approx(2 / 3, abs=0.015)


def test_thompson_finds_the_better_arm_at_little_cost() -> None:
    rng = np.random.default_rng(3)
    rate = np.array([0.3, 0.5, 0.4])
    alpha, beta, earned = np.ones(3), np.ones(3), 0.0
    for _ in range(600):
        values = Thompson(draws=64).values(alpha, beta, rng)
        arm = rng.choice(3, p=chances(values, 0.05))
        won = rng.random() < rate[arm]
        alpha[arm] += won
        beta[arm] += 1 - won
        earned += rate[arm]

    assert earned / 600 > 0.45  # by lot .4; regret of Thompson here is about 20 of 300


def test_draws_serve_the_arms_that_are_left() -> None:
    # The best of (0, 1, 2) by draw: 0, 1, 0; without arm 0: 1, 1, 2
    values = np.array([[0.9, 0.1, 0.7], [0.5, 0.8, 0.3], [0.1, 0.2, 0.6]])

    np.testing.assert_allclose(chances(values, 0.0), [2 / 3, 1 / 3, 0])
    np.testing.assert_allclose(chances(values[1:], 0.0), [2 / 3, 1 / 3])


def test_contents_below_the_first_pool_get_their_share_by_how_they_fit() -> None:
    found = graduated(
        np.array([0.0, 0.0, 1.0]),
        np.array([0.0, 29.0, 30.0]),
        np.array([1.0, 3.0, 9.0]),
        least=30,
        share=0.8,
    )

    np.testing.assert_allclose(found, [0.2, 0.6, 0.2])


def test_without_new_contents_the_policy_decides_alone() -> None:
    found = graduated(np.array([0.3, 0.7]), np.array([30.0, 99.0]), np.ones(2), least=30, share=0.8)

    assert found.tolist() == [0.3, 0.7]
