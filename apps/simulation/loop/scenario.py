"""What happens in a simulation: the world, who joins when, whose interests flip, who cheats."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from apps.simulation.arrays import Bools, Floats, Ints
from apps.simulation.laws import REFERENCE_SECONDS, Laws
from apps.simulation.types import DAY_MS, Contents, World, WorldParams
from apps.simulation.world import build_world

# Viewers who leave soon what they do not like, so that random, popular and oracle are about as far
# apart as in the yardstick of the acceptance test. The feed under test took no part in choosing.
CHOOSY = Laws(
    base=-2.5,
    taste=3.9,
    quality=1.1,
    mood=0.6,
    patience=9.0,
    neutral=0.13,
    come_back=9.0,
    satisfaction_step=0.4,
)
# Viewers whose watching says nothing about what they are shown.
PLACEBO = Laws(taste=0, quality=0, followed=0, satiation=0, language=0, length=0)


@dataclass(frozen=True, slots=True)
class ScenarioParams:
    """Size, seed and incidents of a simulation."""

    n_viewers: int = 200  # ≥ 1
    n_days: int = 10  # ≥ 1
    seed: int = 1
    n_archive: int = 1_200  # contents that are there at the start
    births_a_day: int = 5  # uploads
    page_size: int = 5  # contents that a client asks for at once
    first_share: float = 0.6  # of viewers who join on the first day; the others until two before
    flip_share: float = 0.3  # of viewers whose interests change halfway, [0, 1]
    n_viral: int = 3  # uploads that nearly everybody enjoys
    n_bots: int = 5  # accounts that push one creator
    late_share: float = 0.05  # of sessions whose events come hours later, [0, 1]
    repeat_share: float = 0.05  # of batches that are sent twice, [0, 1]
    biased_share: float = 0.2  # of creators who are enjoyed less than they deserve, [0, 1]
    is_placebo: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A world and its incidents; equal parameters give the same."""

    params: ScenarioParams
    before: World
    after: World  # when the interests of some have flipped
    joins_on: Ints  # int64[v] day on which each viewer is there first
    is_flipped: Bools  # bool[v]
    is_biased: Bools  # bool[c] creators
    viral: Ints  # content rows
    pushed: int  # creator row that the bots push

    @property
    def flip_day(self) -> int:
        """Return the day from which on interests are the new ones."""
        return self.params.n_days // 2

    def world(self, day: int) -> World:
        """Return the world as it is on a day, counted from 0."""
        return self.before if day < self.flip_day else self.after

    def born(self) -> Ints:
        """Return the rows of the contents uploaded while the simulation runs, int64[m]."""
        uploaded = self.before.contents.uploaded_ms
        return np.flatnonzero(uploaded >= self.before.params.start_ms)


def build_scenario(params: ScenarioParams) -> Scenario:
    """Build the world and draw its incidents."""
    n_contents = params.n_archive + params.births_a_day * params.n_days
    world = build_world(
        WorldParams(
            seed=params.seed,
            n_viewers=params.n_viewers,
            n_contents=n_contents,
            n_days=params.n_days,
            archive_share=params.n_archive / n_contents,
            most_liked=2,
        ),
        laws=PLACEBO if params.is_placebo else CHOOSY,
    )
    rng = np.random.default_rng([params.seed, 1])
    is_biased = rng.random(world.params.n_creators) < params.biased_share
    is_first = rng.random(params.n_viewers) < params.first_share
    joins_on = np.where(is_first, 0, rng.integers(0, max(params.n_days - 2, 1), params.n_viewers))
    is_flipped = rng.random(params.n_viewers) < params.flip_share
    viral = _viral(world, params, rng)
    contents = _contents(world.contents, params, is_biased, viral)
    # Nobody follows anybody yet: these viewers are new.
    viewers = replace(world.viewers, follows=np.zeros_like(world.viewers.follows))
    before = replace(world, contents=contents, viewers=viewers)
    taste = np.where(is_flipped[:, None], _other_taste(viewers.taste, rng), viewers.taste)
    return Scenario(
        params=params,
        before=before,
        after=replace(before, viewers=replace(viewers, taste=taste)),
        joins_on=joins_on,
        is_flipped=is_flipped,
        is_biased=is_biased,
        viral=viral,
        pushed=int(rng.integers(world.params.n_creators)),
    )


def _viral(world: World, params: ScenarioParams, rng: np.random.Generator) -> Ints:
    uploaded = world.contents.uploaded_ms
    is_early = (uploaded >= world.params.start_ms) & (uploaded < world.params.end_ms - DAY_MS)
    born = np.flatnonzero(is_early)
    return rng.choice(born, min(params.n_viral, len(born)), replace=False)


def _contents(
    contents: Contents, params: ScenarioParams, is_biased: Bools, viral: Ints
) -> Contents:
    """Return the contents with the viral ones and the prejudice; equally long in a placebo."""
    quality = contents.quality - 0.6 * is_biased[contents.creator]
    quality[viral] = 3.0
    seconds = contents.duration_seconds
    if params.is_placebo:
        # The seconds watched of a longer one would depend on the choice.
        seconds = np.full_like(seconds, REFERENCE_SECONDS)
    return replace(contents, quality=quality, duration_seconds=seconds)


def _other_taste(taste: Floats, rng: np.random.Generator) -> Floats:
    """Return taste for as many topics, as strong, of those not liked now, float64[v, t]."""
    order = np.argsort(rng.random(taste.shape) + (taste > 0), axis=1)
    strength = -np.sort(-taste, axis=1)
    other = np.zeros_like(taste)
    np.put_along_axis(other, order, strength, axis=1)
    return other
