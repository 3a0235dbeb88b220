"""What becomes of 300 uploads in a day of 100,000 impressions, and what finding out costs.

1,500 contents whose rates are known and 300 uploads of the same distribution, of which a noisy
guess is known (correlation .6 in log odds). A viewer's page of ten comes from the best 60 of what
retrieval finds and 20 drawn from the pools; the page is filled by what serves (`slots.fill`, the
policy, the pools and the shares of `FeedParams`). `reward` is long views per impression; the policy
that does not explore ranks by the same estimates and shows uploads only where their guess is among
the best. Uploads are owed 9 % of the slots, so the share is what `explore_most` lets it grow to, on
each page less by what exploring gives up there (`bargain`).
`--policy` and `--share` try other dials.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "recsys.settings")

import django

django.setup()

import numpy as np
from numpy.typing import NDArray

from apps.candidates.sources.explore import CHANCES, GRADUATED
from apps.feed.conf import PARAMS
from apps.ranking.algorithms.bandits import POLICIES, Policy, bargain, chances, graduated
from apps.ranking.algorithms.slots import Arms, Floats, Ints, fill
from benchmarks.common import parser, report

_OLD, _NEW, _TOPICS, _VIEWERS = 1500, 300, 12, 2000
_PAGES, _SLOTS, _FOUND, _BEST, _DRAWN = 10_000, 10, 300, 60, 20
_REFRESH = 5  # pages between two readings of the counters


class World(NamedTuple):
    """Rates of long views, and what is known of them beforehand."""

    rate: Floats  # [n], the uploads last
    guess: Floats  # [n]
    topic: Ints  # [n]
    taste: Floats  # [viewers, topics] factor on the rate


class Day(NamedTuple):
    """What happened."""

    reward: float
    views: Floats  # [n] impressions of the day


def main() -> None:
    """Live the day with and without exploring."""
    options = parser(__doc__)
    options.add_argument("--policy", choices=sorted(POLICIES), default=PARAMS.explore_policy)
    options.add_argument("--share", type=float, default=PARAMS.explore_most)
    options.add_argument("--seeds", type=int, default=3)
    given = options.parse_args()
    found = [judged(seed, given.policy, given.share) for seed in range(given.seeds)]
    figures = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    figures["worst_uploads_30"] = min(one["uploads_30"] for one in found)
    report("cold_start", figures, given.json)


def judged(seed: int, policy: str, share: float) -> dict[str, float]:
    """Return the figures of one world."""
    world = made(np.random.default_rng(seed))
    exploring = live(world, POLICIES[policy](), share, np.random.default_rng(seed + 100))
    without = live(world, POLICIES[policy](), 0.0, np.random.default_rng(seed + 100))
    best = _OLD + np.argsort(-world.rate[_OLD:])[: _NEW // 10]
    return {
        "uploads_30": float((exploring.views[_OLD:] >= GRADUATED[0]).mean()),
        "best_decile_100": float((exploring.views[best] >= GRADUATED[1]).mean()),
        "reward": exploring.reward,
        "reward_without": without.reward,
        "reward_cost": 1 - exploring.reward / without.reward,
        "uploads_30_without": float((without.views[_OLD:] >= GRADUATED[0]).mean()),
        "best_decile_100_without": float((without.views[best] >= GRADUATED[1]).mean()),
    }


def made(rng: np.random.Generator) -> World:
    """Return a world."""
    n = _OLD + _NEW
    rate = rng.beta(2, 4, n)
    odds = np.log(rate / (1 - rate))
    guess = odds + np.append(np.zeros(_OLD), odds.std() * 4 / 3 * rng.normal(size=_NEW))
    guess[_OLD:] = odds.mean() + 0.36 * (guess[_OLD:] - odds.mean())  # shrunk: as a ranker would
    taste = np.exp(0.5 * rng.normal(size=(_VIEWERS, _TOPICS)) - 0.125)
    return World(rate, 1 / (1 + np.exp(-guess)), rng.integers(0, _TOPICS, n), taste)


def live(world: World, policy: Policy, share: float, rng: np.random.Generator) -> Day:
    """Return what came of a day of pages."""
    n = len(world.rate)
    views, long_views, rewards = np.zeros(n), np.zeros(n), 0.0
    seen, seen_long = views.copy(), long_views.copy()  # as the counters were read last
    strength = PARAMS.explore_prior * np.where(np.arange(n) < _OLD, 50, 1)  # old ones are known
    for page in range(_PAGES):
        if page % _REFRESH == 0:
            seen, seen_long = views.copy(), long_views.copy()
        taste = world.taste[rng.integers(_VIEWERS)][world.topic]
        estimate = (strength * world.guess + seen_long) / (strength + seen)
        rows, is_arm = candidates(estimate * taste, seen, rng)
        prior = np.clip(world.guess * taste, 0.02, 0.98)[rows]
        alpha = PARAMS.explore_prior * prior + seen_long[rows]
        beta = PARAMS.explore_prior * (1 - prior) + seen[rows] - seen_long[rows]
        order = np.argsort(-(estimate * taste)[rows], kind="stable")
        rows, is_arm, alpha, beta = (part[order] for part in (rows, is_arm, alpha, beta))
        arm_of = np.where(is_arm, np.cumsum(is_arm) - 1, -1)
        values = policy.values(alpha[is_arm], beta[is_arm], rng)
        tried, fit = seen[rows][is_arm], prior[order][is_arm] ** PARAMS.explore_fit

        def of_arms(arms: Ints, of: tuple[Floats, ...] = (values, tried, fit)) -> Floats:
            values, tried, fit = of
            played = chances(values[arms], policy.floor)
            floor = PARAMS.explore_floor
            return graduated(played, tried[arms], fit[arms], least=GRADUATED[0], share=floor)

        instead = (estimate * taste)[rows[:_SLOTS]]
        thrift = PARAMS.explore_thrift
        here = share * bargain(prior[order][is_arm], fit, instead, thrift=thrift)
        shown = rows[fill(len(rows), [Arms(here, arm_of, of_arms)], _SLOTS, rng).picked]
        won = rng.random(_SLOTS) < np.minimum(world.rate[shown] * taste[shown], 0.98)
        views[shown] += 1
        long_views[shown] += won
        rewards += float(won.sum())
    return Day(rewards / (_PAGES * _SLOTS), views)


def candidates(
    worth: Floats, views: Floats, rng: np.random.Generator
) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the best of what is found, with what is drawn from the pools, and which are those."""
    found = rng.choice(len(worth), _FOUND, replace=False)
    best = found[np.argsort(-worth[found])[:_BEST]]
    pool = _OLD + np.flatnonzero(views[_OLD:] < GRADUATED[-1])
    chance = np.array(CHANCES)[np.searchsorted(GRADUATED, views[pool], side="right")]
    drawn = pool[np.argsort(-(rng.random(len(pool)) ** (1 / chance)))[:_DRAWN]]
    rows = np.union1d(best, drawn)
    return rows, np.isin(rows, drawn)


if __name__ == "__main__":
    main()
