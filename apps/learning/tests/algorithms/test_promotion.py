"""Whether a candidate proves itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.learning.algorithms.promotion import (
    GateParams,
    State,
    Verdict,
    is_proven,
    judge_heads,
    judge_lists,
)

PARAMS = GateParams(min_viewers=30, min_views=100, main_heads=("like",))
RNG = np.random.default_rng(0)
NDCG = RNG.random(300)
CHANCE = RNG.random(4000) * 0.6
LABELS = {"like": RNG.random(4000) < CHANCE}


def lists(candidate: np.ndarray, *, is_refresh: bool, production: np.ndarray = NDCG) -> State:
    return judge_lists(candidate, production, PARAMS, is_refresh=is_refresh).state


def heads(candidate: np.ndarray) -> Verdict:
    return judge_heads(LABELS, {"like": candidate}, {"like": CHANCE}, PARAMS)


class TestLists:
    def test_same_lists_pass_as_refresh_but_are_no_improvement(self) -> None:
        assert lists(NDCG, is_refresh=True) == State.PASSED
        assert lists(NDCG, is_refresh=False) == State.FAILED

    def test_clear_improvement_passes_both_rules(self) -> None:
        assert lists(NDCG + 0.1, is_refresh=False) == State.PASSED
        assert lists(NDCG + 0.1, is_refresh=True) == State.PASSED

    def test_clear_loss_fails_both_rules(self) -> None:
        assert lists(NDCG * 0.9, is_refresh=True) == State.FAILED
        assert lists(NDCG * 0.9, is_refresh=False) == State.FAILED

    def test_loss_within_noise_and_margin_passes_as_refresh(self) -> None:
        noisy = NDCG + RNG.normal(0, 0.2, 300)
        noisy += NDCG.mean() * 0.98 - noisy.mean()  # 2 % worse, deviation of the mean .012
        assert lists(noisy, is_refresh=True) == State.PASSED

    def test_loss_within_noise_beyond_the_margin_is_not_certain(self) -> None:
        noisy = NDCG + RNG.normal(0, 1.0, 300)
        noisy += NDCG.mean() * 0.93 - noisy.mean()  # 7 % worse, deviation of the mean .06
        assert lists(noisy, is_refresh=True) == State.UNKNOWN

    def test_few_viewers_say_nothing(self) -> None:
        assert lists(NDCG[:29] + 1, is_refresh=False, production=NDCG[:29]) == State.UNKNOWN

    def test_numbers_are_given(self) -> None:
        numbers = judge_lists(NDCG + 0.1, NDCG, PARAMS, is_refresh=False).numbers
        assert numbers["difference"] == pytest.approx(0.1)
        assert numbers["viewers"] == 300
        assert numbers["rule"] == "better"


class TestHeads:
    def test_same_predictions_pass(self) -> None:
        assert heads(CHANCE).state == State.PASSED

    def test_shuffled_predictions_fail_by_log_loss(self) -> None:
        verdict = heads(RNG.permutation(CHANCE))
        assert verdict.state == State.FAILED
        assert "log-loss of like" in verdict.reason

    def test_shifted_predictions_fail_by_calibration(self) -> None:
        shifted = np.clip(CHANCE + 0.04, 0, 1)
        verdict = judge_heads(
            LABELS, {"like": shifted}, {"like": CHANCE}, replace(PARAMS, log_loss_rise=1.0)
        )
        assert verdict.reason == "worse: calibration of like"

    def test_lower_log_loss_outweighs_what_calibration_loses(self) -> None:
        # A constant is calibrated, and tells nothing apart.
        constant = np.full_like(CHANCE, LABELS["like"].mean())
        sharp = np.clip(np.where(LABELS["like"], 0.8, 0.1), 0, 1)
        assert judge_heads(LABELS, {"like": sharp}, {"like": constant}, PARAMS).state == (
            State.PASSED
        )

    def test_predictions_that_are_no_numbers_fail(self) -> None:
        broken = CHANCE.copy()
        broken[7] = np.nan
        assert "like is not finite" in heads(broken).reason

    def test_head_that_never_happened_says_nothing(self) -> None:
        never = {"like": np.zeros(4000, np.bool_)}
        verdict = judge_heads(never, {"like": CHANCE}, {"like": CHANCE}, PARAMS)
        assert verdict.state == State.UNKNOWN


def test_only_what_passed_every_gate_is_proven() -> None:
    passed, unknown = Verdict("a", State.PASSED, ""), Verdict("b", State.UNKNOWN, "")
    assert is_proven([passed, passed])
    assert not is_proven([passed, unknown])
    assert not is_proven([passed, Verdict("c", State.FAILED, "")])
    assert not is_proven([])
