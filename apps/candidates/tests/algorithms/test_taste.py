"""The posterior of a viewer's taste, against Bayes by hand and by what it is for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from apps.candidates.algorithms.taste import (
    LEVELS,
    Expected,
    Met,
    Taste,
    TasteParams,
    hope,
    in_batch,
)

PARAMS = TasteParams()
NO_KINDS = np.empty(0, np.int64)


def met(kind: list[int], outcome: list[float], *, pending: list[int] | None = None) -> Met:
    offset = np.zeros(len(kind))
    return Met(np.array(kind, int), offset, np.array(outcome, float), np.array(pending or [], int))


def of(taste: Taste, *kind: int) -> Expected:
    return taste.of(np.array(kind), np.zeros(len(kind)))


class TestTaste:
    def test_prior_has_two_humps(self) -> None:
        prior = PARAMS.prior()
        assert prior.sum() == pytest.approx(1)
        assert prior[LEVELS > 0.5].sum() == pytest.approx(PARAMS.liked, abs=0.03)
        low, between, high = (prior[np.abs(LEVELS - at).argmin()] for at in (-1, 0, 2))
        assert low > between < high

    def test_is_bayes_rule(self) -> None:
        outcome, offset = np.array([0.9, 0.2, 1.0]), np.array([0.5, -0.3, 0.1])
        learned = Met(np.array([1, 1, 0]), offset, outcome, NO_KINDS)
        found = Taste(learned, PARAMS).of(np.array([1, 7]), np.array([0.2, 0.2]))
        weights = PARAMS.prior().copy()
        for at, age in ((0, 2), (1, 1)):  # the third is of another kind
            chance = np.clip(expit(logit(PARAMS.anybody) + LEVELS + offset[at]), 0.02, 0.98)
            likelihood = chance ** outcome[at] * (1 - chance) ** (1 - outcome[at])
            weights *= likelihood ** np.exp(-age / PARAMS.memory)
        weights /= weights.sum()
        asked = np.clip(expit(logit(PARAMS.anybody) + LEVELS + 0.2), 0.02, 0.98)
        assert found.mean[0] == pytest.approx(weights @ asked)
        variance = weights @ asked**2 - (weights @ asked) ** 2
        assert found.deviation[0] == pytest.approx(np.sqrt(variance))
        assert found.mean[1] == pytest.approx(PARAMS.prior() @ asked)  # never met

    def test_one_view_to_the_end_makes_a_kind_likely_and_one_left_lets_go_of_it(self) -> None:
        stranger = of(Taste(met([], []), PARAMS), 0, -1)
        liked = of(Taste(met([0], [1.0]), PARAMS), 0, 1)
        left = of(Taste(met([0], [0.0]), PARAMS), 0, 1)
        assert liked.mean[0] > 1.5 * stranger.mean[0]
        assert left.mean[0] < stranger.mean[0]
        assert liked.mean[1] == left.mean[1] == stranger.mean[0] == stranger.mean[1]
        assert left.deviation[0] < stranger.deviation[0]

    def test_chosen_kind_counts_as_watched_once_and_fades_with_the_views(self) -> None:
        chosen = met([], [])._replace(stated=np.array([0, 0]))
        fresh = of(Taste(chosen, PARAMS), 0, 1)
        watched = of(Taste(met([0], [1.0]), PARAMS), 0, 1)
        assert fresh.mean == pytest.approx(watched.mean)
        later = met([1] * 300, [1.0] * 300)
        said = of(Taste(later._replace(stated=np.array([0])), PARAMS), 0)
        assert said.mean == pytest.approx(of(Taste(later, PARAMS), 0).mean, abs=0.01)

    def test_what_was_to_be_expected_says_little(self) -> None:
        good = Met(np.array([0]), np.array([4.0]), np.array([1.0]), NO_KINDS)
        assert of(Taste(good, PARAMS), 0).mean < of(Taste(met([0], [1.0]), PARAMS), 0).mean - 0.1

    def test_what_is_liked_now_overrules_what_was(self) -> None:
        learned = met([*[0] * 40, *[0] * 5, *[1] * 5], [1.0] * 40 + [0.0] * 5 + [1.0] * 5)
        forgets = of(Taste(learned, replace(PARAMS, memory=3.0)), 0, 1).mean
        forgets_nothing = of(Taste(learned, replace(PARAMS, memory=1e6)), 0, 1).mean
        assert forgets[1] > 1.5 * forgets[0]
        assert forgets_nothing[0] > 0.9 * forgets_nothing[1]

    def test_contents_of_no_kind_say_nothing_of_each_other(self) -> None:
        found = of(Taste(met([-1, -1], [1.0, 1.0]), PARAMS), -1)
        assert found.mean == of(Taste(met([], []), PARAMS), -1).mean

    def test_what_is_on_its_way_only_takes_from_the_credit(self) -> None:
        without = of(Taste(met([0], [0.5]), PARAMS), 0, 1)
        pending = of(Taste(met([0], [0.5], pending=[1, 1, -1]), PARAMS), 0, 1)
        assert pending.mean.tolist() == without.mean.tolist()
        assert pending.deviation[0] == without.deviation[0]
        assert pending.deviation[1] == pytest.approx(without.deviation[1] / np.sqrt(5))


class TestInBatch:
    def test_page_of_a_stranger_asks_about_every_kind(self) -> None:
        kind = np.array([0, 1, 2, 3] * 3)
        offset = np.array([0.05, 0.0, 0.0, 0.0] * 3)  # one kind is a little better: not four times
        found = Taste(met([], []), PARAMS).of(kind, offset)
        score = in_batch(hope(found, PARAMS), found, kind, PARAMS, slots=4)
        assert sorted(kind[np.argsort(-score, kind="stable")[:4]]) == [0, 1, 2, 3]
        assert set(kind[np.argsort(-hope(found, PARAMS), kind="stable")[:3]]) == {0}

    def test_what_is_liked_for_certain_fills_the_page(self) -> None:
        kind = np.array([0, 1, 2, 3] * 3)
        found = of(Taste(met([0] * 8, [1.0] * 8), PARAMS), *kind.tolist())
        score = in_batch(hope(found, PARAMS), found, kind, PARAMS, slots=3)
        assert set(kind[np.argsort(-score)[:3]]) == {0}

    def test_gain_counts_and_scores_fall(self) -> None:
        kind = np.array([0, 1])
        found = of(Taste(met([], []), PARAMS), 0, 1)
        gained = np.array([1.0, 3.0]) * hope(found, PARAMS)
        score = in_batch(gained, found, kind, PARAMS, slots=2)
        assert score[1] == pytest.approx(3 * score[0])

    def test_is_what_learning_each_pick_as_on_its_way_gives(self) -> None:
        rng = np.random.default_rng(5)
        kind, offset, gain = rng.integers(-1, 3, 12), rng.normal(size=12), rng.uniform(0.5, 2, 12)
        learned = met([0, 1, 1, 2], [0.9, 0.1, 0.4, 1.0])

        def plain(picked: list[int]) -> np.ndarray:
            # What has no kind is known of no other: only its own credit is spent.
            taste = Taste(learned._replace(pending=kind[np.array(picked, int)]), PARAMS)
            return gain * hope(taste.of(kind, offset), PARAMS)

        known = kind >= 0
        expected, picked = np.full(12, np.nan), list[int]()
        for _ in range(4):
            now = np.where(np.isnan(expected) & known, plain(picked), -np.inf)
            picked.append(int(now.argmax()))
            expected[picked[-1]] = now.max()
        expected = np.where(np.isnan(expected), plain(picked), expected)
        found = Taste(learned, PARAMS).of(kind, offset)
        score = in_batch(
            (gain * hope(found, PARAMS))[known],
            Expected(found.mean[known], found.deviation[known]),
            kind[known],
            PARAMS,
            slots=4,
        )
        np.testing.assert_allclose(score, expected[known], rtol=1e-9)

    def test_no_candidates(self) -> None:
        found = Taste(met([], []), PARAMS).of(NO_KINDS, np.empty(0))
        assert not len(in_batch(np.empty(0), found, NO_KINDS, PARAMS, slots=5))
