"""The world is complete, plausible and the same for the same parameters."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from apps.content.types import MAX_TAGS
from apps.simulation.tests.conftest import SMALL
from apps.simulation.types import DAY_MS
from apps.simulation.world import World, WorldParams, build_world


def fingerprint(columns: Any) -> list[object]:
    """Return each column of arrays or texts in a form that == compares byte by byte."""
    values = [getattr(columns, f.name) for f in fields(columns)]
    return [v.tobytes() if isinstance(v, np.ndarray) else v for v in values]


class TestBuildWorld:
    def test_equal_parameters_make_equal_worlds(self, world: World) -> None:
        again = build_world(SMALL)
        assert fingerprint(again.creators) == fingerprint(world.creators)
        assert fingerprint(again.contents) == fingerprint(world.contents)
        assert fingerprint(again.viewers) == fingerprint(world.viewers)

    def test_another_seed_makes_another_world(self, world: World) -> None:
        other = build_world(replace(SMALL, seed=12))
        assert not np.array_equal(other.viewers.taste, world.viewers.taste)
        assert other.contents.description != world.contents.description

    def test_more_viewers_leave_the_contents_as_they_are(self, world: World) -> None:
        wider = build_world(replace(SMALL, n_viewers=600))
        assert fingerprint(wider.contents) == fingerprint(world.contents)

    def test_a_later_end_moves_uploads_and_nothing_else(self, world: World) -> None:
        later = build_world(replace(SMALL, end_ms=SMALL.end_ms + DAY_MS))
        moved = later.contents.uploaded_ms - world.contents.uploaded_ms
        assert set(moved.tolist()) == {DAY_MS}
        assert np.array_equal(later.viewers.taste, world.viewers.taste)

    @pytest.mark.parametrize("n_topics", [3, 21])
    def test_topics_without_words_are_refused(self, n_topics: int) -> None:
        with pytest.raises(ValueError, match="n_topics"):
            build_world(WorldParams(n_topics=n_topics))

    def test_too_many_creators_are_refused(self) -> None:
        with pytest.raises(ValueError, match="names"):
            build_world(WorldParams(n_creators=2_000))

    def test_the_smallest_world_can_be_built(self) -> None:
        tiny = build_world(WorldParams(n_viewers=1, n_contents=1, n_creators=1, n_topics=4))
        assert len(tiny.contents.id) == len(tiny.viewers.id) == 1


class TestContents:
    def test_ids_and_descriptions_are_unique(self, world: World) -> None:
        n = SMALL.n_contents
        assert len(set(world.contents.id)) == len(set(world.contents.description)) == n
        assert len(set(world.creators.id)) == SMALL.n_creators
        assert len(set(world.sound_ids)) == SMALL.n_songs + SMALL.n_creators

    def test_uploads_ascend_and_the_archive_has_its_share(self, world: World) -> None:
        uploaded = world.contents.uploaded_ms
        assert np.all(np.diff(uploaded) >= 0)
        assert uploaded[-1] < SMALL.end_ms
        assert np.mean(uploaded < SMALL.start_ms) == SMALL.archive_share

    def test_mixtures_sum_to_one_and_the_category_leads(self, world: World) -> None:
        mixture = world.contents.topics
        assert np.allclose(mixture.sum(axis=1), 1.0)
        assert np.array_equal(mixture.argmax(axis=1), world.contents.category)

    def test_tags_are_few_and_distinct(self, world: World) -> None:
        assert all(2 <= len(tags) <= MAX_TAGS for tags in world.contents.tags)
        assert all(len(set(tags)) == len(tags) for tags in world.contents.tags)

    def test_no_slot_of_a_wording_is_left_open(self, world: World) -> None:
        assert not any("{" in text or "?." in text for text in world.contents.description)

    def test_durations_stay_in_range(self, world: World) -> None:
        seconds = world.contents.duration_seconds
        assert seconds.min() >= 5.0
        assert seconds.max() <= 180.0
        assert 15.0 < np.median(seconds) < 25.0


class TestViewers:
    def test_tastes_are_two_to_four_topics_with_one_favorite(self, world: World) -> None:
        taste = world.viewers.taste
        assert set((taste > 0).sum(axis=1).tolist()) == {2, 3, 4}
        assert np.all(taste.max(axis=1) == 1.0)

    def test_stated_topics_are_a_weak_guess(self, world: World) -> None:
        viewers = world.viewers
        is_true = viewers.taste[np.arange(SMALL.n_viewers), viewers.stated_topic] > 0
        assert 0.5 < is_true.mean() < 0.75

    def test_hours_of_a_viewer_sum_to_one(self, world: World) -> None:
        assert np.allclose(world.viewers.hour_weights.sum(axis=1), 1.0)


class TestTruth:
    def test_affinity_is_taste_times_mixture(self, world: World) -> None:
        rows = np.array([3, 1_700])
        expected = world.contents.topics[rows] @ world.viewers.taste[42]
        assert np.allclose(world.affinity(42, rows), expected)

    def test_expected_watch_lies_within_the_duration(self, world: World) -> None:
        rows = np.arange(SMALL.n_contents)
        seconds = world.expected_watch(0, rows)
        assert np.all((seconds > 0) & (seconds < world.contents.duration_seconds))

    def test_expected_watch_is_higher_for_the_favorite_topic(self, world: World) -> None:
        rows = np.arange(SMALL.n_contents)
        is_favorite = world.contents.category == world.viewers.taste[0].argmax()
        share = world.expected_watch(0, rows) / world.contents.duration_seconds
        assert share[is_favorite].mean() > 1.5 * share[~is_favorite].mean()
