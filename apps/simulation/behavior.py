"""How viewers react to what they are shown: a pure function of world, state, slate and rng."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from apps.events.types import LONG_VIEW_SECONDS, EventType
from apps.simulation import laws
from apps.simulation.arrays import Bools, Floats, Ints
from apps.simulation.types import World


@dataclass(frozen=True, slots=True)
class ViewerState:
    """What changes in viewers as they watch, one row for each of k viewers."""

    viewer: Ints  # int64[k] viewer index
    satiation: Floats  # float64[k, t] how much of each topic they just had, ≥ 0
    follows: Bools  # bool[k, c]
    patience: Floats  # float64[k] left in this session; over when not positive
    enjoyed: Floats  # float64[k] contents enjoyed in this session, each counted in [0, 1]
    n_shown: Ints  # int64[k] contents shown in this session
    satisfaction: Floats  # float64[k] moving average over sessions, [0, 1]

    def take(self, index: Ints | Bools) -> ViewerState:
        """Return the state of the viewers that ``index`` (positions or mask) picks."""
        return ViewerState(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def put(self, index: Ints | Bools, other: ViewerState) -> ViewerState:
        """Return a copy in which the rows at ``index`` are those of ``other``."""
        changed = {f.name: getattr(self, f.name).copy() for f in fields(self)}
        for name, column in changed.items():
            column[index] = getattr(other, name)
        return ViewerState(**changed)


@dataclass(frozen=True, slots=True)
class Reaction:
    """What k viewers did with slates of m contents; entries not shown are 0."""

    shown: Bools  # bool[k, m] reached before patience ran out
    watch_seconds: Floats  # float64[k, m] of the first play, ≤ duration
    actions: NDArray[np.int32]  # int32[k, m] bit EventType of each event that occurred

    def did(self, kind: EventType) -> Bools:
        """Say where events of one kind occurred, bool[k, m]."""
        return np.asarray((self.actions & (1 << kind)) != 0)


def initial_state(world: World, viewer: Ints) -> ViewerState:
    """Return viewers, int64[k], as the window starts: rested and neutral, in no session."""
    n_viewers = len(viewer)
    return ViewerState(
        viewer=viewer,
        satiation=np.zeros((n_viewers, len(world.topics))),
        follows=world.viewers.follows[viewer],
        patience=np.zeros(n_viewers),
        enjoyed=np.zeros(n_viewers),
        n_shown=np.zeros(n_viewers, np.int64),
        satisfaction=np.full(n_viewers, world.laws.neutral),
    )


def open_session(world: World, state: ViewerState, *, rng: np.random.Generator) -> ViewerState:
    """Return viewers who come back after a break: less satiated, with fresh patience."""
    law = world.laws
    spread = law.patience_spread * rng.standard_normal(len(state.viewer))
    return replace(
        state,
        satiation=state.satiation * law.rest_keep,
        patience=law.patience * np.exp(spread),
        enjoyed=np.zeros(len(state.viewer)),
        n_shown=np.zeros(len(state.viewer), np.int64),
    )


def close_session(world: World, state: ViewerState) -> ViewerState:
    """Return viewers with the session's mean enjoyment folded into their satisfaction."""
    mean = state.enjoyed / np.maximum(state.n_shown, 1)
    step = world.laws.satisfaction_step * (state.n_shown > 0)
    satisfaction = state.satisfaction + step * (mean - state.satisfaction)
    return replace(state, satisfaction=satisfaction, patience=np.zeros(len(mean)))


def comes_back(world: World, state: ViewerState, *, rng: np.random.Generator) -> Bools:
    """Draw which viewers open the app on the next day, bool[k]."""
    activity = world.viewers.activity[state.viewer]
    chance = laws.return_chance(world.laws, activity=activity, satisfaction=state.satisfaction)
    return rng.random(len(chance)) < chance


def react(
    world: World, state: ViewerState, slates: Ints, *, rng: np.random.Generator
) -> tuple[Reaction, ViewerState]:
    """Let k viewers go through slates, int64[k, m] of content rows, −1 for an empty place.

    Places are seen in order; a viewer whose patience is not positive sees no more. Returns the
    reaction and the state after it; nothing passed in is changed.
    """
    shown = np.zeros(slates.shape, np.bool_)
    watch_seconds = np.zeros(slates.shape)
    actions = np.zeros(slates.shape, np.int32)
    for place in range(slates.shape[1]):
        sees = np.flatnonzero((state.patience > 0) & (slates[:, place] >= 0))
        if not len(sees):
            continue
        shown[sees, place] = True
        seconds, bits, after = _react_once(world, state.take(sees), slates[sees, place], rng)
        watch_seconds[sees, place], actions[sees, place] = seconds, bits
        state = state.put(sees, after)
    return Reaction(shown, watch_seconds, actions), state


def _react_once(
    world: World, state: ViewerState, rows: Ints, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.int32], ViewerState]:
    law, contents = world.laws, world.contents
    mixture = contents.topics[rows]
    is_followed = state.follows[np.arange(len(rows)), contents.creator[rows]]
    satiation = np.einsum("kt,kt->k", state.satiation, mixture)
    logit = world.pair_logit(state.viewer, rows, satiation=satiation, is_followed=is_followed)
    logit = logit + law.mood * rng.standard_normal(len(rows))

    fraction = laws.draw_watch_fraction(law, logit, rng)
    enjoyment = laws.sigmoid(logit)
    seconds = fraction * contents.duration_seconds[rows]
    is_long = (fraction >= 1.0) | (seconds >= LONG_VIEW_SECONDS)
    is_skip = seconds < laws.SKIP_SECONDS
    chances = laws.action_chances(
        law, fraction=fraction, enjoyment=enjoyment, is_followed=is_followed
    )
    happened = {kind: rng.random(len(rows)) < chance for kind, chance in chances.items()}
    happened[EventType.VIEW] = np.ones(len(rows), np.bool_)
    happened[EventType.COMPLETE_VIEW] = fraction >= 1.0
    happened[EventType.SKIP] = is_skip

    eaten = law.satiation_gain * fraction[:, None] * mixture
    after = replace(
        state,
        satiation=state.satiation * law.satiation_keep + eaten,
        follows=_with_follows(state, contents.creator[rows], happened[EventType.FOLLOW]),
        patience=laws.patience_left(law, state.patience, is_long=is_long, is_skip=is_skip),
        enjoyed=state.enjoyed + 0.5 * (is_long + enjoyment),
        n_shown=state.n_shown + 1,
    )
    return seconds, _pack(happened), after


def _with_follows(state: ViewerState, creator: Ints, is_new: Bools) -> Bools:
    follows = state.follows.copy()
    follows[is_new, creator[is_new]] = True
    return follows


def _pack(happened: dict[EventType, Bools]) -> NDArray[np.int32]:
    bits = np.zeros(len(happened[EventType.VIEW]), np.int32)
    for kind, mask in happened.items():
        bits |= mask.astype(np.int32) << kind
    return bits
