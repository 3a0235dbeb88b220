"""The events that a window of days leaves behind, in columns and in time order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from apps.events.types import EventType
from apps.simulation.arrays import Bools, Ints
from apps.simulation.behavior import (
    close_session,
    comes_back,
    initial_state,
    open_session,
    react,
)
from apps.simulation.impressions import Impressions, time_reaction
from apps.simulation.logging_policy import initial_policy
from apps.simulation.remarks import pick_comments
from apps.simulation.types import DAY_MS, World

_MINUTE_MS = 60_000
_BREAK_MS = 10 * _MINUTE_MS  # least time between two sessions of a viewer
MORE_SESSIONS = 0.25  # mean number of further sessions on an active day
_CRITICAL_SHARE = 0.12  # of comments

# When an event occurs within its view, as shares of the watch time: from … to; 1 is the end.
# In the order in which events of equal time are told.
_OCCURS: dict[EventType, tuple[float, float]] = {
    EventType.VIEW: (0.0, 0.0),
    EventType.LIKE: (0.3, 0.95),
    EventType.SAVE: (0.4, 0.98),
    EventType.FOLLOW: (0.5, 0.98),
    EventType.SHARE: (0.6, 0.99),
    EventType.SKIP: (1.0, 1.0),
    EventType.COMPLETE_VIEW: (1.0, 1.0),
    EventType.REPLAY: (1.0, 1.0),
    EventType.COMMENT: (1.0, 1.0),
    EventType.HIDE: (1.0, 1.0),
    EventType.REPORT: (1.0, 1.0),
}


@dataclass(frozen=True, slots=True)
class History:
    """Events as columns of one length, ascending in ``at_ms``.

    Every content shown has exactly one VIEW, at the moment it comes up; what followed from it
    lies between that moment and the next VIEW of the session.
    """

    viewer: NDArray[np.int32]  # index into World.viewers
    content: NDArray[np.int32]  # index into World.contents; of a FOLLOW, what led to it
    creator: NDArray[np.int32]  # index into World.creators of a FOLLOW; else −1
    kind: NDArray[np.int8]  # EventType
    at_ms: Ints  # int64, ms since 1970 UTC
    watch_seconds: NDArray[np.float32]  # of the first play, ≤ duration, of a VIEW; else NaN
    utc_offset_minutes: NDArray[np.int16]  # of the viewer's clock
    device: NDArray[np.int8]  # index into vocabulary.DEVICES
    comment: NDArray[np.int16]  # index into remarks.COMMENT_TEXTS of a COMMENT; else −1
    session: NDArray[np.int32]  # number of the session, 0 …

    def __len__(self) -> int:
        return len(self.at_ms)

    def take(self, index: Ints | Bools | slice) -> History:
        """Return the events that ``index`` (rows, mask or slice) picks, in that order."""
        return History(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def simulate_history(world: World, *, rng: np.random.Generator) -> History:
    """Simulate the window of the world under the logging policy; the same rng, the same bytes.

    Events that would fall behind ``world.params.end_ms`` are left out.
    """
    shown = Impressions.concat(list(simulate_days(world, rng=rng)))
    events = events_of(world, shown, rng=rng)
    return events.take(events.at_ms < world.params.end_ms)


def simulate_days(world: World, *, rng: np.random.Generator) -> Iterator[Impressions]:
    """Yield what was shown in the sessions of each 24 hours of the window."""
    window = _Window(world, rng)
    for start_ms in range(world.params.start_ms, world.params.end_ms, DAY_MS):
        yield window.run_day(start_ms)


def events_of(world: World, shown: Impressions, *, rng: np.random.Generator) -> History:
    """Turn impressions into one event for each thing that happened, in time order."""
    ends_ms = np.floor(1000.0 * shown.watch_seconds)
    parts = []
    for kind, (earliest, latest) in _OCCURS.items():
        index = np.flatnonzero(shown.did(kind))
        share = rng.uniform(earliest, latest, len(index))
        parts.append((kind, index, (share * ends_ms[index]).astype(np.int64)))
    index = np.concatenate([index for _, index, _ in parts])
    kinds = np.concatenate([np.full(len(i), kind, np.int8) for kind, i, _ in parts])
    delay_ms = np.concatenate([delay for _, _, delay in parts])
    viewer, content = shown.viewer[index], shown.content[index]
    events = History(
        viewer=viewer.astype(np.int32),
        content=content.astype(np.int32),
        creator=np.where(kinds == EventType.FOLLOW, world.contents.creator[content], -1).astype(
            np.int32
        ),
        kind=kinds,
        at_ms=shown.shown_ms[index] + delay_ms,
        watch_seconds=np.where(kinds == EventType.VIEW, shown.watch_seconds[index], np.nan).astype(
            np.float32
        ),
        utc_offset_minutes=world.viewers.utc_offset_minutes[viewer],
        device=world.viewers.device[viewer].astype(np.int8),
        comment=_comments(world, viewer, kinds == EventType.COMMENT, rng),
        session=shown.session[index].astype(np.int32),
    )
    return events.take(np.argsort(events.at_ms, kind="stable"))


def opening_times(world: World, start_ms: int, n_sessions: int, rng: np.random.Generator) -> Ints:
    """Draw moments of the day from ``start_ms`` in the viewers' habitual hours, int64[v, s]."""
    viewers = world.viewers
    edges = np.cumsum(viewers.hour_weights, axis=1)
    draw = rng.random((len(edges), n_sessions)) * edges[:, -1:]
    hour = (edges[:, None, :] <= draw[:, :, None]).sum(axis=2)
    local_minute = 60.0 * (hour + rng.random(hour.shape))
    utc_minute = local_minute - viewers.utc_offset_minutes[:, None]
    into_day = (utc_minute * _MINUTE_MS).astype(np.int64) - start_ms
    return np.asarray(start_ms + into_day % DAY_MS)


class _Window:
    """The viewers' state, the feed and what was seen, carried from day to day."""

    def __init__(self, world: World, rng: np.random.Generator) -> None:
        self.world = world
        self.rng = rng
        n_viewers = world.params.n_viewers
        self.state = initial_state(world, np.arange(n_viewers))
        self.policy = initial_policy(world, rng=rng)
        self.seen = np.zeros((n_viewers, world.params.n_contents), np.bool_)
        self.free_ms = np.zeros(n_viewers, np.int64)  # earliest start of the next session
        self.n_sessions = 0

    def run_day(self, start_ms: int) -> Impressions:
        """Run all sessions of one day, each viewer's first, then the second ones, and so on."""
        n_left = np.where(
            comes_back(self.world, self.state, rng=self.rng),
            1 + self.rng.poisson(MORE_SESSIONS, len(self.free_ms)),
            0,
        )
        opens_ms = opening_times(self.world, start_ms, int(n_left.max(initial=0)), self.rng)
        opens_ms = np.sort(np.where(np.arange(opens_ms.shape[1]) < n_left[:, None], opens_ms, -1))
        parts = [Impressions.empty()]
        for nth in range(opens_ms.shape[1]):
            viewer = np.flatnonzero(opens_ms[:, nth] >= 0)
            parts += self._run_sessions(viewer, opens_ms[viewer, nth])
        today = Impressions.concat(parts)
        self.policy = self.policy.learn(today.content, today.worth())
        return today

    def _run_sessions(self, viewer: Ints, opens_ms: Ints) -> list[Impressions]:
        """Run one session of each viewer, slate by slate, until all have run out of patience."""
        session = self.n_sessions + np.arange(len(viewer))
        self.n_sessions += len(viewer)
        clock_ms = np.maximum(opens_ms, self.free_ms[viewer])
        state = open_session(self.world, self.state.take(viewer), rng=self.rng)
        parts = []
        while len(on := np.flatnonzero(state.patience > 0)):
            watching = state.take(on)
            slates = self.policy.slates(watching, clock_ms[on], self.seen[viewer[on]], rng=self.rng)
            reaction, after = react(self.world, watching, slates, rng=self.rng)
            shown, clock_ms[on] = time_reaction(
                self.world,
                viewer=viewer[on],
                session=session[on],
                slates=slates,
                reaction=reaction,
                start_ms=clock_ms[on],
                rng=self.rng,
            )
            # Who was shown nothing has seen everything: the session ends there.
            idle = ~reaction.shown.any(axis=1)
            state = state.put(on, replace(after, patience=np.where(idle, 0.0, after.patience)))
            self.seen[shown.viewer, shown.content] = True
            parts.append(shown)
        self.state = self.state.put(viewer, close_session(self.world, state))
        self.free_ms[viewer] = clock_ms + _BREAK_MS
        return parts


def _comments(
    world: World, viewer: Ints, is_comment: Bools, rng: np.random.Generator
) -> NDArray[np.int16]:
    comment = np.full(len(viewer), -1, np.int16)
    language = world.viewers.language[viewer[is_comment]]
    is_critical = (rng.random(len(language)) < _CRITICAL_SHARE).astype(np.int64)
    comment[is_comment] = pick_comments(language, is_critical, rng=rng)
    return comment
