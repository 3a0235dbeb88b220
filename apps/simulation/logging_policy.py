"""The feed that made the history: believable, mediocre, and without knowledge of the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from apps.simulation.arrays import Bools, Floats, Ints
from apps.simulation.behavior import ViewerState
from apps.simulation.types import DAY_MS, World

SLATE_SIZE = 10

# Share of places of each source: popular, followed creators, stated topic, fresh, random.
_SHARES = (0.32, 0.10, 0.10, 0.16, 0.32)
_FRESH_DAYS = 2
_LATEST_OF_CREATOR = 12
_REDRAWS = 4  # times that already seen or repeated contents are drawn again
_POPULARITY_POWER = 1.2  # > 1: the popular get more than their share
_POPULARITY_KEEP = 0.8  # share of popularity left after a day


@dataclass(frozen=True, slots=True)
class LoggingPolicy:
    """Fills slates from five sources; popularity is what the log said until yesterday."""

    world: World
    popularity: Floats  # float64[n] decayed long views and likes, ≥ 0
    creator_keys: Ints  # int64[n] ascending creator · n + row
    topic_keys: Ints  # int64[n] ascending category · n + row

    def slates(
        self, state: ViewerState, at_ms: Ints, seen: Bools, *, rng: np.random.Generator
    ) -> Ints:
        """Return slates for k viewers, int64[k, SLATE_SIZE]; −1 where nothing new was found.

        ``at_ms``: int64[k]; only contents uploaded before it are shown. ``seen``: bool[k, n].
        """
        n_available = np.searchsorted(self.world.contents.uploaded_ms, at_ms, side="right")
        drawn = np.stack(
            [
                self._popular(n_available, rng),
                self._followed(state, n_available, rng),
                self._stated_topic(state, n_available, rng),
                self._fresh(at_ms, n_available, rng),
                _pick_between(np.zeros_like(n_available), n_available, rng),
            ]
        )
        source = rng.choice(len(_SHARES), (1, len(at_ms), SLATE_SIZE), p=_SHARES)
        slates = np.take_along_axis(drawn, source, axis=0)[0]
        for _ in range(_REDRAWS):
            fallback = _pick_between(np.zeros_like(n_available), n_available, rng)
            slates = np.where(_is_stale(slates, seen), fallback, slates)
        return np.where(_is_stale(slates, seen), -1, slates)

    def learn(self, rows: Ints, worth: Floats) -> LoggingPolicy:
        """Return the policy of the next day: yesterday's ``worth`` added to faded popularity."""
        gained = np.bincount(rows, worth, minlength=len(self.popularity))
        return replace(self, popularity=_POPULARITY_KEEP * self.popularity + gained)

    def _popular(self, n_available: Ints, rng: np.random.Generator) -> Ints:
        total = np.concatenate([[0.0], np.cumsum(self.popularity**_POPULARITY_POWER)])
        target = rng.random((len(n_available), SLATE_SIZE)) * total[n_available][:, None]
        rows = np.searchsorted(total, target, side="right") - 1
        return np.asarray(np.minimum(rows, n_available[:, None] - 1))

    def _followed(self, state: ViewerState, n_available: Ints, rng: np.random.Generator) -> Ints:
        """Draw from the latest contents of random followed creators; −1 who follows none."""
        noise = rng.random((len(n_available), SLATE_SIZE))
        n_followed = state.follows.sum(axis=1)
        nth = (noise * n_followed[:, None]).astype(np.int64) + 1
        count = np.cumsum(state.follows, axis=1)
        creator = (count[:, None, :] < nth[:, :, None]).sum(axis=2)
        creator = np.minimum(creator, state.follows.shape[1] - 1)
        start, end = self._bounds(self.creator_keys, creator, n_available[:, None])
        latest = np.maximum(start, end - _LATEST_OF_CREATOR)
        rows = self._rows_between(self.creator_keys, latest, end, rng)
        return np.where(n_followed[:, None] > 0, rows, -1)

    def _stated_topic(
        self, state: ViewerState, n_available: Ints, rng: np.random.Generator
    ) -> Ints:
        topic = self.world.viewers.stated_topic[state.viewer]
        start, end = self._bounds(self.topic_keys, topic, n_available)
        shape = (len(topic), SLATE_SIZE)
        start, end = np.broadcast_to(start[:, None], shape), np.broadcast_to(end[:, None], shape)
        return self._rows_between(self.topic_keys, start, end, rng)

    def _fresh(self, at_ms: Ints, n_available: Ints, rng: np.random.Generator) -> Ints:
        uploaded = self.world.contents.uploaded_ms
        return _pick_between(
            np.searchsorted(uploaded, at_ms - _FRESH_DAYS * DAY_MS), n_available, rng
        )

    def _bounds(self, keys: Ints, group: Ints, n_available: Ints) -> tuple[Ints, Ints]:
        base = group * len(keys)
        return np.searchsorted(keys, base), np.searchsorted(keys, base + n_available)

    def _rows_between(self, keys: Ints, start: Ints, end: Ints, rng: np.random.Generator) -> Ints:
        place = start + (rng.random(start.shape) * (end - start)).astype(np.int64)
        row = keys[np.minimum(place, len(keys) - 1)] % len(keys)
        return np.where(end > start, row, -1)


def initial_policy(world: World, *, rng: np.random.Generator) -> LoggingPolicy:
    """Return the policy as the window starts: the archive is roughly known, the new is not."""
    contents = world.contents
    n = len(contents.id)
    hearsay = np.exp(0.6 * contents.quality + 0.6 * rng.standard_normal(n))
    is_archive = contents.uploaded_ms < world.params.start_ms
    rows = np.arange(n)
    return LoggingPolicy(
        world=world,
        popularity=np.where(is_archive, 5.0 * hearsay, 0.1),
        creator_keys=np.sort(contents.creator * n + rows),
        topic_keys=np.sort(contents.category * n + rows),
    )


def _pick_between(start: Ints, end: Ints, rng: np.random.Generator) -> Ints:
    """Draw SLATE_SIZE rows from each [start, end), int64[k, SLATE_SIZE]; −1 if it is empty."""
    size = (end - start)[:, None]
    rows = start[:, None] + (rng.random((len(start), SLATE_SIZE)) * size).astype(np.int64)
    return np.where(size > 0, rows, -1)


def _is_stale(slates: Ints, seen: Bools) -> Bools:
    """Say which places are empty, already seen, or repeat an earlier place, bool[k, m]."""
    equal = slates[:, :, None] == slates[:, None, :]
    repeats = np.tril(equal, -1).any(axis=2)
    is_seen = seen[np.arange(len(slates))[:, None], slates]
    return np.asarray((slates < 0) | repeats | is_seen)
