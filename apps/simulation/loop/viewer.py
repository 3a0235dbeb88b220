"""One virtual viewer: opens the app, goes through pages, and says what happened as an app would."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from apps.core.clock import to_datetime
from apps.events.types import EventType
from apps.simulation.arrays import Ints
from apps.simulation.behavior import close_session, initial_state, open_session, react
from apps.simulation.history import History, events_of
from apps.simulation.impressions import Impressions, time_reaction
from apps.simulation.remarks import COMMENT_TEXTS
from apps.simulation.types import World
from apps.simulation.vocabulary import AGE_GROUPS, DEVICES, LANGUAGES

Event = dict[str, Any]


class Watched(NamedTuple):
    """What became of a page."""

    shown: Impressions
    events: list[Event]
    through_ms: int  # when the viewer wants the next page, or leaves


class VirtualViewer:
    """A viewer of a world; what they do depends on (seed, viewer, session) and what is shown."""

    def __init__(self, world: World, row: int, *, seed: int) -> None:
        self.world = world
        self.row = row
        self.state = initial_state(world, np.array([row]))
        self.n_sessions = 0
        self.rng = np.random.default_rng([seed, row])
        self._seed = seed

    @property
    def id(self) -> str:
        """The viewer's id in the app."""
        return self.world.viewers.id[self.row]

    @property
    def is_watching(self) -> bool:
        """Whether patience is left."""
        return bool(self.state.patience[0] > 0)

    def profile(self) -> dict[str, Any]:
        """Return what a device knows of its owner at sign-up: age, place and language."""
        viewers = self.world.viewers
        return {
            "demographics": {
                "age_group": AGE_GROUPS[viewers.age_group[self.row]],
                "location": viewers.country[self.row],
                "language": LANGUAGES[viewers.language[self.row]],
            }
        }

    def context(self) -> dict[str, Any]:
        """Return what the app says with each request."""
        viewers = self.world.viewers
        return {
            "utc_offset": int(viewers.utc_offset_minutes[self.row]),
            "device": DEVICES[viewers.device[self.row]],
        }

    def open(self) -> None:
        """Begin a session, with draws of its own: how others went does not change them."""
        self.n_sessions += 1
        self.rng = np.random.default_rng([self._seed, self.row, self.n_sessions])
        self.state = open_session(self.world, self.state, rng=self.rng)

    def watch(self, rows: Ints, at_ms: int, *, request_id: str | None = None) -> Watched:
        """Go through a page, int64[m], from `at_ms` until its end or the end of patience."""
        if not len(rows):  # nothing new is left to see
            self.state = replace(self.state, patience=np.zeros(1))
            return Watched(Impressions.empty(), [], at_ms)
        slates = rows[None, :]
        reaction, self.state = react(self.world, self.state, slates, rng=self.rng)
        shown, through_ms = time_reaction(
            self.world,
            viewer=self.state.viewer,
            session=np.array([self.n_sessions]),
            slates=slates,
            reaction=reaction,
            start_ms=np.array([at_ms]),
            rng=self.rng,
        )
        history = events_of(self.world, shown, rng=self.rng)
        events = [self._event(history, i, request_id) for i in range(len(history))]
        return Watched(shown, events, int(through_ms[0]))

    def close(self) -> None:
        """End the session."""
        self.state = close_session(self.world, self.state)

    def _event(self, history: History, i: int, request_id: str | None) -> Event:
        kind = EventType(history.kind[i])
        content = int(history.content[i])
        event: Event = {
            "type": kind.name.lower(),
            "event_id": str(uuid.UUID(bytes=self.rng.bytes(16), version=4)),
            "user_id": self.id,
            "timestamp": to_datetime(int(history.at_ms[i])).isoformat(),
            "context": {"device": DEVICES[history.device[i]]},
        }
        if kind == EventType.FOLLOW:
            creator = int(self.world.contents.creator[content])
            return {**event, "creator_id": self.world.creators.id[creator]}
        event["content_id"] = self.world.contents.id[content]
        if kind == EventType.VIEW:
            event["watch_duration"] = round(float(history.watch_seconds[i]), 2)
        if request_id:
            event["request_id"] = request_id
        if kind == EventType.COMMENT:
            event["comment_text"] = COMMENT_TEXTS[history.comment[i]]
        return event
