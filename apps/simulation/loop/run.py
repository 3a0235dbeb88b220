"""Run a scenario under one policy: an agenda of moments, each with what happens then."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from apps.core.clock import HOUR_MS, to_datetime
from apps.simulation import laws
from apps.simulation.arrays import Bools
from apps.simulation.history import MORE_SESSIONS, opening_times
from apps.simulation.impressions import Impressions
from apps.simulation.loop.api import Api
from apps.simulation.loop.policies import Policy, Visit
from apps.simulation.loop.scenario import Scenario
from apps.simulation.loop.viewer import Event, VirtualViewer
from apps.simulation.services import content_row
from apps.simulation.types import DAY_MS

Action = Callable[[int], None]
_LATEST_MS = 6 * HOUR_MS  # that events of a device without network are late
_BOT_VIEWS = 20  # of each bot on a day


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy made of a scenario."""

    shown: Impressions
    was_there: Bools  # bool[v, days] opened the app
    n_sent: int  # different events that were posted
    n_repeated: int  # posted a second time
    n_accepted: int
    n_duplicates: int


class Loop:
    """The viewers, the creators and the bots of a scenario, and what is planned."""

    def __init__(
        self, scenario: Scenario, policy: Policy, api: Api, advance: Callable[[int], None]
    ) -> None:
        self.scenario, self.policy, self.api, self.advance = scenario, policy, api, advance
        params, world = scenario.params, scenario.before
        self.start_ms = world.params.start_ms
        self.viewers = [
            VirtualViewer(world, row, seed=params.seed) for row in range(params.n_viewers)
        ]
        self.seen = np.zeros((params.n_viewers, len(world.contents.id)), np.bool_)
        self.is_in_app = np.zeros(params.n_viewers, np.bool_)
        self.was_there = np.zeros((params.n_viewers, params.n_days), np.bool_)
        self.shown: list[Impressions] = []
        self.n_sent = self.n_repeated = self.n_accepted = self.n_duplicates = 0
        self._agenda: list[tuple[int, int, Action]] = []
        self._n_planned = 0

    def run(self) -> Outcome:
        """Live through all days."""
        contents = self.scenario.before.contents
        born = self.scenario.born()
        rows = range(len(contents.id) - len(born))
        self.api.upload([content_row(self.scenario.before, row) for row in rows])
        for row in born.tolist():
            self._plan(int(contents.uploaded_ms[row]), partial(self._upload, row))
        for day in range(self.scenario.params.n_days):
            self._plan(self.start_ms + day * DAY_MS, partial(self._begin_day, day))
        while self._agenda:
            at_ms, _, action = heapq.heappop(self._agenda)
            self.advance(at_ms)
            action(at_ms)
        return Outcome(
            shown=Impressions.concat([Impressions.empty(), *self.shown]),
            was_there=self.was_there,
            n_sent=self.n_sent,
            n_repeated=self.n_repeated,
            n_accepted=self.n_accepted,
            n_duplicates=self.n_duplicates,
        )

    def _plan(self, at_ms: int, action: Action) -> None:
        self._n_planned += 1
        heapq.heappush(self._agenda, (at_ms, self._n_planned, action))

    def _upload(self, row: int, _at_ms: int) -> None:
        self.api.upload([content_row(self.scenario.before, row)])

    def _begin_day(self, day: int, _at_ms: int) -> None:
        """Draw who comes today and when; the draws are the same under every policy."""
        params, world = self.scenario.params, self.scenario.world(day)
        rng = np.random.default_rng([params.seed, 3, day])
        satisfaction = np.concatenate([viewer.state.satisfaction for viewer in self.viewers])
        chance = laws.return_chance(
            world.laws, activity=world.viewers.activity, satisfaction=satisfaction
        )
        joins = self.scenario.joins_on == day
        comes = (self.scenario.joins_on <= day) & (rng.random(len(chance)) < chance) | joins
        n_sessions = 1 + rng.poisson(MORE_SESSIONS, len(chance))
        opens_ms = opening_times(world, self.start_ms + day * DAY_MS, int(n_sessions.max()), rng)
        for viewer in self.viewers:
            viewer.world = world
        for row in np.flatnonzero(comes).tolist():
            self.was_there[row, day] = True
            for at_ms in np.sort(opens_ms[row, : n_sessions[row]]).tolist():
                self._plan(at_ms, partial(self._open, row))
        for row in np.flatnonzero(joins).tolist():
            self.api.put_user(self.viewers[row].id, self.viewers[row].profile())
        for bot in range(params.n_bots):
            at_ms = self.start_ms + day * DAY_MS + int(rng.integers(DAY_MS))
            self._plan(at_ms, partial(self._push, bot, day))

    def _open(self, row: int, at_ms: int) -> None:
        if self.is_in_app[row]:
            return
        self.is_in_app[row] = True
        viewer = self.viewers[row]
        viewer.open()
        is_late = viewer.rng.random() < self.scenario.params.late_share
        late_ms = int(viewer.rng.integers(HOUR_MS, _LATEST_MS)) if is_late else 0
        self._turn(row, at_ms, late_ms, is_first=True)

    def _turn(self, row: int, at_ms: int, late_ms: int, *, is_first: bool) -> None:
        """Show a page; when the viewer is through, its events are sent, then comes the next."""
        viewer, uploaded = self.viewers[row], self.scenario.before.contents.uploaded_ms
        visit = Visit(viewer, ~self.seen[row] & (uploaded <= at_ms), is_first)
        chosen = self.policy.page(visit, self.scenario.params.page_size)
        watched = viewer.watch(chosen.rows, at_ms, request_id=chosen.request_id)
        self.seen[row, watched.shown.content] = True
        self.policy.learn(watched.shown)
        self.shown.append(watched.shown)
        is_repeated = bool(viewer.rng.random() < self.scenario.params.repeat_share)

        def go_on(now_ms: int) -> None:
            if not late_ms:
                self._deliver(watched.events, is_repeated=is_repeated)
            if viewer.is_watching:
                self._turn(row, now_ms, late_ms, is_first=False)
            else:
                viewer.close()
                self.is_in_app[row] = False

        self._plan(watched.through_ms, go_on)
        if late_ms:
            self._plan(
                watched.through_ms + late_ms,
                lambda _: self._deliver(watched.events, is_repeated=is_repeated),
            )

    def _push(self, bot: int, day: int, at_ms: int) -> None:
        """Let a bot like the contents of one creator, over and over."""
        world, pushed = self.scenario.before, self.scenario.pushed
        is_theirs = world.contents.creator == pushed
        rows = np.flatnonzero(is_theirs & (world.contents.uploaded_ms <= at_ms))
        events: list[Event] = []
        for nth, row in enumerate(np.resize(rows, min(_BOT_VIEWS, len(rows) * _BOT_VIEWS))):
            said: dict[str, Any] = {
                "user_id": f"bot_{bot}",
                "content_id": world.contents.id[row],
                "timestamp": to_datetime(at_ms - 1000 * nth).isoformat(),
            }
            seconds = float(world.contents.duration_seconds[row])
            name = f"bot-{bot}-{day}-{nth}"
            view = {"type": "view", "event_id": f"{name}-view", "watch_duration": seconds}
            events += [{**said, **view}, {**said, "type": "like", "event_id": f"{name}-like"}]
        self._deliver(events, is_repeated=False)

    def _deliver(self, events: Sequence[Event], *, is_repeated: bool) -> None:
        for batch in (events, events) if is_repeated else (events,):
            if batch:
                taken = self.api.post_events(batch)
                self.n_accepted += taken.accepted
                self.n_duplicates += taken.duplicates
        self.n_sent += len(events)
        self.n_repeated += len(events) * is_repeated
