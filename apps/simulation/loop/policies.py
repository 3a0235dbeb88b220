"""Who chooses what is shown: the feed under test, and three yardsticks that know the world."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, Protocol

import numpy as np

from apps.simulation import laws
from apps.simulation.arrays import Bools, Floats, Ints
from apps.simulation.impressions import Impressions
from apps.simulation.loop.api import Api
from apps.simulation.loop.viewer import VirtualViewer
from apps.simulation.types import World

POLICIES = ("random", "popular", "system", "oracle")


class Visit(NamedTuple):
    """Who asks for a page, and what they may be shown."""

    viewer: VirtualViewer
    is_new: Bools  # bool[n] uploaded, and never shown to the viewer
    is_first: bool  # page of the session


class Chosen(NamedTuple):
    """A page."""

    rows: Ints
    request_id: str | None = None


class Policy(Protocol):
    """Chooses pages and may learn from what became of them."""

    def page(self, visit: Visit, size: int) -> Chosen:
        """Return up to `size` contents."""

    def learn(self, shown: Impressions) -> None:
        """Take note of what was watched."""


class System:
    """The feed of the product."""

    def __init__(self, world: World, api: Api) -> None:
        self.degraded: Counter[str] = Counter()
        self._api = api
        self._rows = {content_id: row for row, content_id in enumerate(world.contents.id)}
        self._cursors: dict[int, str | None] = {}

    def page(self, visit: Visit, size: int) -> Chosen:
        """Ask the feed, with the cursor of the page before."""
        viewer = visit.viewer
        cursor = None if visit.is_first else self._cursors[viewer.row]
        page = self._api.feed(viewer.id, limit=size, cursor=cursor, **viewer.context())
        self._cursors[viewer.row] = page.cursor
        self.degraded.update(page.degraded)
        return Chosen(np.array([self._rows[i] for i in page.content_ids], int), page.request_id)

    def learn(self, shown: Impressions) -> None:
        """Learn nothing here: the events are posted."""


class Random:
    """Any content, equally likely."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 2])

    def page(self, visit: Visit, size: int) -> Chosen:
        """Draw contents."""
        return _best(self._rng.random(len(visit.is_new)), visit, size)

    def learn(self, shown: Impressions) -> None:
        """Learn nothing."""


class Popular:
    """The same order for everybody: the mean of long views and likes, of few views less sure."""

    prior_views = 3.0
    prior_worth = 0.3  # about what a random content is worth: the unknown is tried, bad news sinks

    def __init__(self, world: World) -> None:
        self._n_views = np.zeros(len(world.contents.id))
        self._worth = np.zeros(len(world.contents.id))

    def page(self, visit: Visit, size: int) -> Chosen:
        """Return what did best so far."""
        score = (self._worth + self.prior_views * self.prior_worth) / (
            self._n_views + self.prior_views
        )
        return _best(score, visit, size)

    def learn(self, shown: Impressions) -> None:
        """Count."""
        np.add.at(self._n_views, shown.content, 1.0)
        np.add.at(self._worth, shown.content, shown.worth())


class Oracle:
    """The longest expected watch, by the true taste and satiation of the moment, one by one."""

    def page(self, visit: Visit, size: int) -> Chosen:
        """Return the contents greedily: each as satiated as the ones before leave the viewer."""
        viewer, world, law = visit.viewer, visit.viewer.world, visit.viewer.world.laws
        satiation, is_new, rows = viewer.state.satiation[0], visit.is_new.copy(), []
        rested = _rested_logit(viewer)
        for _ in range(min(size, int(is_new.sum()))):
            logit = rested - law.satiation * (world.contents.topics @ satiation)
            fraction = laws.sigmoid(logit)
            worth = np.where(is_new, fraction * world.contents.duration_seconds, -np.inf)
            row = int(worth.argmax())
            rows.append(row)
            is_new[row] = False
            eaten = law.satiation_gain * fraction[row] * world.contents.topics[row]
            satiation = satiation * law.satiation_keep + eaten
        return Chosen(np.array(rows, int))

    def learn(self, shown: Impressions) -> None:
        """Learn nothing: all is known."""


def make_policy(name: str, world: World, api: Api, *, seed: int) -> Policy:
    """Return the policy of a name of `POLICIES`."""
    made: dict[str, Policy] = {
        "random": Random(seed),
        "popular": Popular(world),
        "system": System(world, api),
        "oracle": Oracle(),
    }
    return made[name]


def _rested_logit(viewer: VirtualViewer) -> Floats:
    world = viewer.world
    rows = np.arange(len(world.contents.id))
    follows = viewer.state.follows[0, world.contents.creator]
    return world.pair_logit(
        np.full(len(rows), viewer.row), rows, satiation=0.0, is_followed=follows
    )


def _best(score: Floats, visit: Visit, size: int) -> Chosen:
    score = np.where(visit.is_new, score, -np.inf)
    size = min(size, int(visit.is_new.sum()))
    top = np.argpartition(-score, size - 1)[:size] if size else np.empty(0, int)
    return Chosen(top[np.argsort(-score[top], kind="stable")])
