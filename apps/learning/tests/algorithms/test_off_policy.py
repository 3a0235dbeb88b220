"""Off-policy estimates: by hand, by enumeration, on a real log, and where they must be refused."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.learning.algorithms.off_policy import (
    OffPolicyError,
    OffPolicyParams,
    effective_size,
    estimate,
)

OPEN_BANDIT = Path(os.environ.get("OPEN_BANDIT_DIR", "/nowhere"))
TRUSTING = OffPolicyParams(min_effective=0, max_share=1, weight_tolerance=np.inf)


def test_estimates_are_worked_by_hand() -> None:
    reward = np.array([1.0, 0.0, 1.0, 0.0])
    # weights 2, 1/2, 1/2, 1
    found = estimate(reward, np.full(4, 0.4), np.array([0.8, 0.2, 0.2, 0.4]), params=TRUSTING)
    assert found.ips.value == pytest.approx(2.5 / 4)
    assert found.snips.value == pytest.approx(2.5 / 4)  # the weights add up to 4
    assert found.naive == 0.5
    assert found.effective_size == pytest.approx(16 / 5.5)
    assert found.max_weight == 2


def test_doubly_robust_is_exact_with_a_perfect_model_whatever_the_propensities() -> None:
    rng = np.random.default_rng(0)
    reward = rng.random(50)
    expected = rng.random(50)
    wrong = rng.uniform(0.2, 1, 50)
    found = estimate(
        reward, wrong, np.full(50, 0.1), predicted=reward, expected=expected, params=TRUSTING
    )
    assert found.dr is not None
    assert found.dr.value == pytest.approx(expected.mean())


def test_clipping_bounds_the_correction() -> None:
    reward, logged, target = np.ones(4), np.array([0.01, 0.5, 0.5, 0.5]), np.full(4, 0.5)
    model = {"predicted": np.zeros(4), "expected": np.zeros(4)}
    params = OffPolicyParams(min_effective=0, max_share=1, weight_tolerance=np.inf, clip=10)
    found = estimate(reward, logged, target, **model, params=params)
    assert found.dr is not None
    assert found.dr.value == pytest.approx((10 + 1 + 1 + 1) / 4)
    assert found.ips.value == pytest.approx((50 + 1 + 1 + 1) / 4)


def test_estimates_are_unbiased_over_all_logs() -> None:
    # Two actions, known rewards: the mean over every action, weighted by its chance, is the truth.
    logging, target, rewards = np.array([0.7, 0.3]), np.array([0.2, 0.8]), np.array([0.1, 0.9])
    ips = [
        estimate(rewards[[a]], logging[[a]], target[[a]], params=TRUSTING).ips.value for a in (0, 1)
    ]
    assert logging @ np.array(ips) == pytest.approx(target @ rewards)


def test_logged_policy_itself_is_the_logs_mean() -> None:
    rng = np.random.default_rng(0)
    reward, logged = (rng.random(1000) < 0.3).astype(float), rng.uniform(0.1, 0.9, 1000)
    found = estimate(reward, logged, logged)
    assert found.ips.value == found.snips.value == found.naive == reward.mean()
    assert found.effective_size == pytest.approx(1000)


def test_intervals_hold_the_truth_nineteen_times_of_twenty() -> None:
    held = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        logging, target = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
        chance = np.array([0.1, 0.3, 0.5])
        action = rng.choice(3, 2000, p=logging)
        reward = (rng.random(2000) < chance[action]).astype(float)
        found = estimate(reward, logging[action], target[action]).snips
        held.append(found.low <= target @ chance <= found.high)
    # 380 expected; the deviation of the count is √(400 · .95 · .05) = 4.4, four of them are 17
    assert 363 <= sum(held) <= 397


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=50))
def test_effective_size_is_between_one_and_all(weights: list[float]) -> None:
    size = effective_size(np.array(weights))
    assert 1 - 1e-9 <= size <= len(weights) + 1e-9


class TestRefusal:
    N = 1000
    REWARD = np.zeros(N)

    def test_log_without_exploration(self) -> None:
        with pytest.raises(OffPolicyError, match="never explored"):
            estimate(self.REWARD, np.ones(self.N), np.ones(self.N))

    def test_empty_log(self) -> None:
        with pytest.raises(OffPolicyError, match="nothing was logged"):
            estimate(np.empty(0), np.empty(0), np.empty(0))

    @pytest.mark.parametrize("wrong", [0.0, 1.5, np.nan])
    def test_propensities_that_are_no_chances(self, wrong: float) -> None:
        logged = np.full(self.N, 0.5)
        logged[3] = wrong
        with pytest.raises(OffPolicyError, match="must be chances"):
            estimate(self.REWARD, logged, np.full(self.N, 0.5))

    def test_policies_that_choose_too_differently(self) -> None:
        target = np.zeros(self.N)
        target[:100] = 1.0
        with pytest.raises(OffPolicyError, match="effective sample size is 100 of 1000"):
            estimate(self.REWARD, np.full(self.N, 0.1), target)

    def test_one_event_that_carries_too_much(self) -> None:
        logged, target = np.full(self.N, 0.5), np.full(self.N, 0.45)
        logged[0], target[0] = 0.005, 0.5
        params = OffPolicyParams(min_effective=10)
        with pytest.raises(OffPolicyError, match="one event carries 10% of the weight"):
            estimate(self.REWARD, logged, target, params=params)

    def test_propensities_by_which_was_not_chosen(self) -> None:
        rng = np.random.default_rng(0)
        logged = rng.uniform(0.2, 0.4, self.N)
        with pytest.raises(OffPolicyError, match="must average 1"):
            estimate(self.REWARD, logged, logged * 2)


class Bandit(NamedTuple):
    item: np.ndarray
    position: np.ndarray
    click: np.ndarray
    propensity: np.ndarray


def open_bandit(policy: str) -> Bandit:
    with gzip.open(OPEN_BANDIT / f"{policy}.csv.gz", "rt") as file:
        rows = [
            (r["item_id"], r["position"], r["click"], r["propensity_score"])
            for r in csv.DictReader(file)
        ]
    item, position, click, propensity = np.array(rows, float).T
    return Bandit(item.astype(int), position.astype(int), click, propensity)


@pytest.mark.skipif(not OPEN_BANDIT.is_dir(), reason="OPEN_BANDIT_DIR names no folder")
class TestOpenBandit:
    """10,000 rows of each of two policies of a shop: each log is asked about the other policy."""

    def test_random_log_tells_the_click_rate_of_thompson_sampling(self) -> None:
        log, other = open_bandit("random"), open_bandit("bts")
        shown = np.zeros((4, 80))
        np.add.at(shown, (other.position, other.item), 1)
        shares = shown / np.maximum(shown.sum(axis=1, keepdims=True), 1)
        found = estimate(log.click, log.propensity, shares[log.position, log.item])
        assert found.snips.low <= other.click.mean() <= found.snips.high
        assert found.ips.low <= other.click.mean() <= found.ips.high

    def test_log_of_thompson_sampling_tells_the_click_rate_of_chance(self) -> None:
        log, other = open_bandit("bts"), open_bandit("random")
        found = estimate(log.click, log.propensity, np.full(len(log.click), 1 / 80))
        assert found.snips.low <= other.click.mean() <= found.snips.high
        assert found.ips.low <= other.click.mean() <= found.ips.high
