"""A reaction is a pure function of world, state, slate and generator."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.events.types import EventType
from apps.simulation.arrays import Ints
from apps.simulation.behavior import (
    ViewerState,
    close_session,
    comes_back,
    initial_state,
    open_session,
    react,
)
from apps.simulation.world import World

N_VIEWERS, SLATE = 300, 12


@pytest.fixture
def state(world: World) -> ViewerState:
    rested = initial_state(world, np.arange(N_VIEWERS))
    return open_session(world, rested, rng=np.random.default_rng(1))


@pytest.fixture
def slates() -> Ints:
    return np.random.default_rng(2).integers(0, 2_000, (N_VIEWERS, SLATE))


def watched(world: World, state: ViewerState, slates: Ints) -> float:
    reaction, _ = react(world, state, slates, rng=np.random.default_rng(3))
    return float(reaction.watch_seconds.sum())


class TestReact:
    def test_same_arguments_give_the_same_reaction(
        self, world: World, state: ViewerState, slates: Ints
    ) -> None:
        first, after = react(world, state, slates, rng=np.random.default_rng(3))
        again, after_again = react(world, state, slates, rng=np.random.default_rng(3))
        assert first.watch_seconds.tobytes() == again.watch_seconds.tobytes()
        assert first.actions.tobytes() == again.actions.tobytes()
        assert after.satiation.tobytes() == after_again.satiation.tobytes()

    def test_nothing_passed_in_is_changed(
        self, world: World, state: ViewerState, slates: Ints
    ) -> None:
        before = state.take(np.arange(N_VIEWERS))  # fancy indexing copies
        react(world, state, slates, rng=np.random.default_rng(3))
        assert np.array_equal(state.follows, before.follows)
        assert np.array_equal(state.satiation, before.satiation)
        assert np.array_equal(state.patience, before.patience)

    def test_what_is_shown_is_the_beginning_of_the_slate(
        self, world: World, state: ViewerState, slates: Ints
    ) -> None:
        reaction, after = react(world, state, slates, rng=np.random.default_rng(3))
        assert np.all(reaction.shown[:, :-1] >= reaction.shown[:, 1:])
        is_through = reaction.shown.all(axis=1)
        assert np.all(after.patience[~is_through] <= 0)

    def test_no_patience_or_no_content_means_nothing_is_shown(
        self, world: World, state: ViewerState, slates: Ints
    ) -> None:
        tired = replace(state, patience=np.zeros(N_VIEWERS))
        nothing, _ = react(world, tired, slates, rng=np.random.default_rng(3))
        empty, _ = react(world, state, np.full_like(slates, -1), rng=np.random.default_rng(3))
        assert not nothing.shown.any()
        assert not empty.shown.any()
        assert not empty.actions.any()

    def test_skips_and_completions_agree_with_the_watch_time(
        self, world: World, state: ViewerState, slates: Ints
    ) -> None:
        reaction, _ = react(world, state, slates, rng=np.random.default_rng(3))
        is_full = reaction.watch_seconds == world.contents.duration_seconds[slates]
        assert np.array_equal(reaction.did(EventType.VIEW), reaction.shown)
        assert np.array_equal(reaction.did(EventType.COMPLETE_VIEW), is_full & reaction.shown)
        assert np.array_equal(
            reaction.did(EventType.SKIP), (reaction.watch_seconds < 2.0) & reaction.shown
        )

    def test_satiated_viewers_watch_less(
        self, world: World, state: ViewerState, slates: Ints
    ) -> None:
        satiated = replace(state, satiation=np.ones_like(state.satiation))
        assert watched(world, satiated, slates) < 0.8 * watched(world, state, slates)

    def test_one_viewer_alone_is_a_batch_of_one(
        self, world: World, state: ViewerState, slates: Ints
    ) -> None:
        one = state.take(np.array([7]))
        reaction, after = react(world, one, slates[[7]], rng=np.random.default_rng(3))
        assert reaction.shown.shape == (1, SLATE)
        assert after.n_shown[0] == reaction.shown.sum()


class TestSessions:
    def test_good_sessions_raise_satisfaction_and_bring_viewers_back(self, world: World) -> None:
        rested = initial_state(world, np.arange(world.params.n_viewers))
        shown = np.full(len(rested.viewer), 10)
        glad = close_session(world, replace(rested, n_shown=shown, enjoyed=0.9 * shown))
        sad = close_session(world, replace(rested, n_shown=shown, enjoyed=0.1 * shown))
        back = [comes_back(world, s, rng=np.random.default_rng(0)) for s in (sad, glad)]
        assert np.all(back[0] <= back[1])
        assert back[0].sum() < back[1].sum()

    def test_a_session_without_contents_leaves_satisfaction_alone(self, world: World) -> None:
        rested = initial_state(world, np.arange(5))
        closed = close_session(world, rested)
        assert np.array_equal(closed.satisfaction, rested.satisfaction)
