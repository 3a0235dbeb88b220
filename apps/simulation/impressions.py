"""Contents as they were shown, before their outcomes become separate events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from apps.events.types import LONG_VIEW_SECONDS, EventType
from apps.simulation.arrays import Bools, Floats, Ints
from apps.simulation.behavior import Reaction
from apps.simulation.types import World

_PAUSE_SECONDS = 0.8  # mean time between two contents, after a least time of the same length
_COMMENT_SECONDS = 7.0  # time it takes to write one


@dataclass(frozen=True, slots=True)
class Impressions:
    """One row for each content shown; all columns of length n."""

    viewer: Ints
    content: Ints
    session: Ints
    shown_ms: Ints  # int64[n] ms since 1970 UTC
    watch_seconds: Floats  # of the first play
    actions: NDArray[np.int32]  # bit EventType of each event that occurred

    def did(self, kind: EventType) -> Bools:
        """Say where events of one kind occurred, bool[n]."""
        return np.asarray((self.actions & (1 << kind)) != 0)

    def worth(self) -> Floats:
        """Return what a popularity count makes of each: 1 for a long view, 2 for a like."""
        is_long = self.did(EventType.COMPLETE_VIEW) | (self.watch_seconds >= LONG_VIEW_SECONDS)
        return is_long + 2.0 * self.did(EventType.LIKE)

    @classmethod
    def empty(cls) -> Impressions:
        """Return no impressions."""
        none = np.empty(0, np.int64)
        return cls(none, none, none, none, np.empty(0), np.empty(0, np.int32))

    @classmethod
    def concat(cls, parts: Sequence[Impressions]) -> Impressions:
        """Join impressions in the order of ``parts``, of which there is at least one."""
        return cls(
            **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)}
        )


def time_reaction(
    world: World,
    *,
    viewer: Ints,
    session: Ints,
    slates: Ints,
    reaction: Reaction,
    start_ms: Ints,
    rng: np.random.Generator,
) -> tuple[Impressions, Ints]:
    """Put the contents that k viewers saw one after the other from ``start_ms``, int64[k].

    A place takes its watch time, a second play if there was one, the time to write a comment
    and a pause. Returns the impressions and when each viewer is through, int64[k].
    """
    replayed = reaction.did(EventType.REPLAY) * world.contents.duration_seconds[slates]
    writing = _COMMENT_SECONDS * reaction.did(EventType.COMMENT)
    pause = _PAUSE_SECONDS * (1.0 + rng.standard_exponential(slates.shape))
    taken = (reaction.watch_seconds + replayed + writing + pause) * reaction.shown
    taken_ms = np.ceil(1000.0 * taken).astype(np.int64)
    through_ms = start_ms[:, None] + np.cumsum(taken_ms, axis=1)
    who, place = np.nonzero(reaction.shown)
    return Impressions(
        viewer=viewer[who],
        content=slates[who, place],
        session=session[who],
        shown_ms=(through_ms - taken_ms)[who, place],
        watch_seconds=reaction.watch_seconds[who, place],
        actions=reaction.actions[who, place],
    ), through_ms[:, -1]
