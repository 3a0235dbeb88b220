"""The history is consistent, has believable rates, and lets tastes be learned."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from apps.events.types import EventType, is_long_view
from apps.simulation.arrays import Bools, Floats
from apps.simulation.behavior import initial_state, open_session, react
from apps.simulation.history import History, simulate_history
from apps.simulation.laws import Laws
from apps.simulation.logging_policy import SLATE_SIZE, initial_policy
from apps.simulation.remarks import COMMENT_TEXTS, pick_comments
from apps.simulation.vocabulary import COMMENTS
from apps.simulation.world import World, build_world


@pytest.fixture(scope="module")
def views(history: History) -> History:
    return history.take(history.kind == EventType.VIEW)


def long_views(world: World, views: History) -> Bools:
    seconds = world.contents.duration_seconds[views.content].astype(np.float32)
    return is_long_view(views.watch_seconds, seconds, np.zeros(len(views), np.int16))


def topic_lift(world: World, views: History) -> float:
    """P(long view | a liked topic) over P(long view | any other)."""
    is_long = long_views(world, views)
    liked = world.viewers.taste[views.viewer, world.contents.category[views.content]] > 0
    return float(is_long[liked].mean() / is_long[~liked].mean())


def rate(history: History, kind: EventType) -> float:
    return float(np.sum(history.kind == kind) / np.sum(history.kind == EventType.VIEW))


def minutes_a_session(world: World, score: Floats) -> float:
    """Mean minutes that viewers watch of the contents in falling order of ``score``[v, n]."""
    rested = initial_state(world, np.arange(world.params.n_viewers))
    state = open_session(world, rested, rng=np.random.default_rng(0))
    slates = np.argsort(-score, axis=1)[:, :100]
    reaction, _ = react(world, state, slates, rng=np.random.default_rng(1))
    return float(reaction.watch_seconds.sum(axis=1).mean() / 60.0)


class TestHistory:
    def test_same_seed_gives_the_same_bytes(self, world: World, history: History) -> None:
        again = simulate_history(world, rng=np.random.default_rng(5))
        for column in fields(History):
            expected, actual = getattr(history, column.name), getattr(again, column.name)
            assert actual.tobytes() == expected.tobytes(), column.name

    def test_events_ascend_within_the_window(self, world: World, history: History) -> None:
        assert np.all(np.diff(history.at_ms) >= 0)
        assert history.at_ms[0] >= world.params.start_ms
        assert history.at_ms[-1] < world.params.end_ms

    def test_each_content_shown_has_one_view(self, world: World, history: History) -> None:
        pair = history.viewer.astype(np.int64) * world.params.n_contents + history.content
        pairs, n_views = np.unique(pair[history.kind == EventType.VIEW], return_counts=True)
        assert np.all(n_views == 1)
        assert np.all(np.isin(pair, pairs))

    def test_outcomes_fall_between_their_view_and_the_next(
        self, world: World, history: History
    ) -> None:
        # Within a viewer, in time order, all events of one content stand together, VIEW first.
        order = np.lexsort((np.arange(len(history)), history.viewer))
        told = history.take(order)
        starts = np.flatnonzero(
            (np.diff(told.content, prepend=-1) != 0) | (np.diff(told.viewer, prepend=-1) != 0)
        )
        assert np.all(told.kind[starts] == EventType.VIEW)
        assert len(starts) == np.sum(history.kind == EventType.VIEW)

    def test_sessions_of_a_viewer_do_not_overlap(self, history: History) -> None:
        order = np.lexsort((history.at_ms, history.viewer))
        session = history.session[order]
        n_runs = 1 + np.count_nonzero(np.diff(session))
        assert n_runs == len(np.unique(session))

    def test_only_views_have_a_watch_time_within_the_duration(
        self, world: World, history: History, views: History
    ) -> None:
        is_view = history.kind == EventType.VIEW
        duration = world.contents.duration_seconds[views.content].astype(np.float32)
        assert np.all((views.watch_seconds > 0) & (views.watch_seconds <= duration))
        assert np.all(np.isnan(history.watch_seconds[~is_view]))

    def test_contents_are_shown_after_their_upload(self, world: World, views: History) -> None:
        assert np.all(world.contents.uploaded_ms[views.content] <= views.at_ms)

    def test_follows_name_the_creator_and_comments_have_a_text(
        self, world: World, history: History
    ) -> None:
        is_follow = history.kind == EventType.FOLLOW
        followed = history.take(is_follow)
        assert np.array_equal(followed.creator, world.contents.creator[followed.content])
        assert np.all(history.creator[~is_follow] == -1)
        assert np.array_equal(history.comment >= 0, history.kind == EventType.COMMENT)

    def test_viewers_watch_in_their_own_hours(self, world: World, views: History) -> None:
        local = (views.at_ms // 60_000 + views.utc_offset_minutes) // 60 % 24
        weight = world.viewers.hour_weights[views.viewer, local]
        assert weight.mean() > 2.0 / 24.0


class TestRates:
    def test_rates_are_believable(self, world: World, history: History, views: History) -> None:
        assert 0.25 < long_views(world, views).mean() < 0.40
        assert 0.02 < rate(history, EventType.LIKE) < 0.06
        assert 0.001 < rate(history, EventType.HIDE) < 0.004
        assert 0.0 < rate(history, EventType.REPORT) < 0.001
        assert 0.15 < rate(history, EventType.SKIP) < 0.35

    def test_sessions_have_a_believable_length(self, views: History) -> None:
        assert 10 <= np.median(np.unique(views.session, return_counts=True)[1]) <= 20

    def test_viewers_keep_coming_back(self, world: World, views: History) -> None:
        day = (views.at_ms - world.params.start_ms) // 86_400_000
        active = [len(np.unique(views.viewer[day == d])) for d in range(world.params.n_days)]
        assert min(active) > 0.25 * world.params.n_viewers
        assert max(active) < 0.60 * world.params.n_viewers


class TestLearnability:
    def test_liked_topics_are_watched_at_least_twice_as_long(
        self, world: World, views: History
    ) -> None:
        assert 2.0 < topic_lift(world, views) < 5.0

    def test_placebo_viewers_do_not_care(self, world: World) -> None:
        indifferent = build_world(world.params, laws=Laws(base=0.0, taste=0.0))
        shown = simulate_history(indifferent, rng=np.random.default_rng(5))
        lift = topic_lift(indifferent, shown.take(shown.kind == EventType.VIEW))
        # Other differences (who uploads what, in which language) leave a few percent.
        assert lift == pytest.approx(1.0, abs=0.15)

    def test_an_oracle_doubles_the_minutes_of_popularity(
        self, world: World, views: History
    ) -> None:
        n = world.params.n_contents
        popular = np.bincount(views.content, long_views(world, views), minlength=n)
        affinity = world.viewers.taste @ world.contents.topics.T
        truth = world.laws.taste * affinity + world.laws.quality * world.contents.quality
        by_popularity = minutes_a_session(world, np.broadcast_to(popular, truth.shape))
        noise = np.random.default_rng(2).random(truth.shape)
        assert minutes_a_session(world, noise) < by_popularity
        assert minutes_a_session(world, truth) > 2.0 * by_popularity


class TestLoggingPolicy:
    def test_slates_hold_no_repeats_and_nothing_seen(self, world: World) -> None:
        rng = np.random.default_rng(0)
        state = initial_state(world, np.arange(200))
        seen = rng.random((200, world.params.n_contents)) < 0.5
        at_ms = np.full(200, world.params.end_ms)
        slates = initial_policy(world, rng=rng).slates(state, at_ms, seen, rng=rng)
        assert slates.shape == (200, SLATE_SIZE)
        assert not (np.take_along_axis(seen, slates, axis=1) & (slates >= 0)).any()
        assert all(len(set(s[s >= 0])) == np.sum(s >= 0) for s in slates)

    def test_nothing_uploaded_means_empty_slates(self, world: World) -> None:
        rng = np.random.default_rng(0)
        state = initial_state(world, np.arange(3))
        seen = np.zeros((3, world.params.n_contents), np.bool_)
        slates = initial_policy(world, rng=rng).slates(state, np.zeros(3, int), seen, rng=rng)
        assert np.all(slates == -1)


def test_comments_are_in_the_language_of_the_writer() -> None:
    language = np.array([0, 1, 2])
    picked = pick_comments(language, np.array([0, 1, 0]), rng=np.random.default_rng(0))
    texts = [COMMENT_TEXTS[i] for i in picked]
    assert texts[0] in COMMENTS["en"][0]
    assert texts[1] in COMMENTS["es"][1]
    assert texts[2] in COMMENTS["de"][0]


def test_viewers_who_have_seen_everything_end_their_session(world: World) -> None:
    tiny = build_world(replace(world.params, n_viewers=20, n_contents=15))
    history = simulate_history(tiny, rng=np.random.default_rng(0))
    assert np.sum(history.kind == EventType.VIEW) <= 20 * 15
