"""One step: what it learns, what it refuses, and that it is a function of what it is given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.learning.conf import OnlineParams
from apps.learning.online.steps import Advance, advance
from apps.learning.online.types import Examples, Increment
from apps.learning.tests.online.factories import make_online, rankers
from apps.ranking.types import BOOSTED, LEARNED, NEURAL, Head

PARAMS = OnlineParams(buffer=100, batch=16, reservoir=150, viewer_cap=500)
NONE = Examples.none(len(LEARNED))
LIKE = LEARNED.index(Head.LIKE)


def start() -> Increment:
    held = rankers()
    assert held.neural is not None
    return Increment.of(held.neural, held.blend)


def step(now: Increment, fresh: Examples, late: Examples = NONE, **changes: object) -> Advance:
    params = replace(PARAMS, **changes)
    return advance(now, fresh, late, trees=rankers().boosted.predict, params=params)


def weights(increment: Increment) -> dict[str, np.ndarray]:
    return increment.network.weights


def turned(examples: Examples) -> Examples:
    """Return the pairs with the opposite of every like."""
    y = examples.y.copy()
    y[:, LIKE] = 1 - y[:, LIKE]
    return replace(examples, y=y)


def test_same_examples_give_the_same_weights_bit_by_bit() -> None:
    one, other = (step(step(start(), make_online()).increment, make_online(seed=2)) for _ in "12")
    for name, values in weights(one.increment).items():
        np.testing.assert_array_equal(values, weights(other.increment)[name])
    assert one == replace(other, increment=one.increment)


def test_what_served_before_is_left_as_it_was() -> None:
    now = start()
    before = {name: values.copy() for name, values in weights(now).items()}
    done = step(now, make_online())
    assert not done.refusal
    assert any((weights(done.increment)[name] != before[name]).any() for name in before)
    for name, values in before.items():
        np.testing.assert_array_equal(weights(now)[name], values)


def test_newest_part_judges_first_and_is_learned_in_the_next_step() -> None:
    fresh = make_online(100)
    first = step(start(), fresh).increment
    np.testing.assert_array_equal(first.waiting.y, fresh.y[-20:])  # a fifth
    np.testing.assert_array_equal(first.kept.y, fresh.y[:80])
    second = step(first, make_online(10, seed=3)).increment
    assert second.n_examples == 80 + 20 + 8
    np.testing.assert_array_equal(second.kept.y[80:100], fresh.y[-20:])


def test_loss_falls_while_the_same_rule_holds_and_the_drift_is_followed() -> None:
    now, found = start(), []
    for seed in range(10, 16):
        done = step(now, turned(make_online(400, seed=seed)), rate=0.01, floor=0.01)
        now = done.increment
        found.append(done.prequential)
    # Labels are the opposite of what was learned: at first it is surprised, then no more.
    assert found[-1] < 0.7 * found[0]


def test_weights_of_the_blend_follow_who_predicts_better() -> None:
    now = start()
    prior = now.blend.weights()[Head.LIKE][NEURAL]
    for seed in range(20, 26):
        now = step(now, turned(make_online(400, seed=seed)), rate=0.01, floor=0.01).increment
    assert now.blend.weights()[Head.LIKE][NEURAL] > prior  # the trees have not moved


def test_as_many_kept_ones_are_learned_again_without_moving_the_rate() -> None:
    now = step(start(), make_online(100)).increment
    done = step(now, make_online(100, seed=4)).increment
    # 20 waiting and 80 new ones in 7 batches of 16 at most, and as many again from the reservoir.
    assert done.network.t - now.network.t == 14


def test_step_that_makes_the_newest_worse_is_refused() -> None:
    fresh = make_online(400)
    poisoned = Examples.concat([turned(fresh.take(slice(0, 320))), fresh.take(slice(320, None))])
    now = start()
    for seed in range(10, 14):  # first it learns what holds
        now = step(now, make_online(400, seed=seed), rate=0.01, floor=0.01).increment
    done = step(now, poisoned, rate=0.02, floor=0.02)
    assert done.increment is now
    assert "rises" in done.refusal
    assert done.held_after > done.held_before * 1.02


def test_weights_that_are_no_numbers_are_refused() -> None:
    fresh = make_online(100)
    fresh.inputs.features[:] = 1e30  # clipped by the encoder
    assert not step(start(), fresh).refusal
    with np.errstate(all="ignore"):
        done = step(start(), make_online(100), rate=float("inf"), floor=float("inf"))
    assert done.refusal == "a weight is no number"


def test_one_viewer_gives_no_more_than_the_cap() -> None:
    fresh = make_online(100, viewers=2)
    done = step(start(), fresh, viewer_cap=30)
    assert done.n_capped == 40
    assert len(done.increment.kept) + len(done.increment.waiting) == 60


def test_lengths_of_embeddings_and_units_are_limited() -> None:
    done = step(start(), make_online(), max_norm=0.5, dead_band=100.0)
    assert not done.refusal
    network = done.increment.network
    for name, is_seen in network.is_seen.items():
        assert np.linalg.norm(network.weights[name][is_seen], axis=1).max(initial=0) <= 0.5001
    for name, _ in network.shape.layers:
        assert np.linalg.norm(network.weights[name], axis=0).max() <= 0.5001
    mean = network.weights["viewer"][network.is_seen["viewer"]].mean(axis=0)
    np.testing.assert_allclose(network.weights["viewer"][-1], mean, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2])
def test_very_few_examples_are_enough(n: int) -> None:
    done = step(start(), make_online(9).take(slice(n)))
    assert not done.refusal
    assert len(done.increment.waiting) == 1


def test_late_outcomes_raise_their_head_and_judge_nothing() -> None:
    fresh = make_online(60)
    came = np.full_like(fresh.y, np.nan)
    came[:, LIKE] = 1
    without = step(start(), fresh)
    with_late = step(start(), fresh, replace(fresh, y=came))
    asked = make_online(200, seed=9).inputs
    likes = [d.increment.network.predict(asked)[Head.LIKE].mean() for d in (without, with_late)]
    assert likes[1] > likes[0]
    assert with_late.increment.n_examples == without.increment.n_examples
    assert with_late.increment.blend.weights() == without.increment.blend.weights()
    assert BOOSTED in with_late.increment.blend.experts
