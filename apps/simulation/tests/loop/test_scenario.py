"""Scenarios: the same for the same parameters, with their incidents."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from apps.simulation.loop.scenario import ScenarioParams, build_scenario
from apps.simulation.types import DAY_MS

PARAMS = ScenarioParams(n_viewers=300, n_days=6, n_archive=400)


def test_equal_parameters_make_equal_scenarios() -> None:
    one, two = build_scenario(PARAMS), build_scenario(PARAMS)
    assert np.array_equal(one.joins_on, two.joins_on)
    assert np.array_equal(one.after.viewers.taste, two.after.viewers.taste)
    assert np.array_equal(one.before.contents.quality, two.before.contents.quality)


def test_flipped_viewers_like_as_many_other_topics_and_nobody_else_changes() -> None:
    scenario = build_scenario(PARAMS)
    before, after = scenario.before.viewers.taste > 0, scenario.after.viewers.taste > 0
    flipped = scenario.is_flipped
    assert not (before & after)[flipped].any()
    assert np.array_equal(before.sum(axis=1), after.sum(axis=1))
    assert np.array_equal(before[~flipped], after[~flipped])
    # 300 viewers at .3: the standard deviation of the share is .026
    assert abs(flipped.mean() - 0.3) < 0.1


def test_viewers_like_two_topics_and_follow_nobody() -> None:
    viewers = build_scenario(PARAMS).before.viewers
    assert set((viewers.taste > 0).sum(axis=1).tolist()) == {2}
    assert not viewers.follows.any()


def test_viral_contents_are_uploaded_while_it_runs() -> None:
    scenario = build_scenario(PARAMS)
    uploaded = scenario.before.contents.uploaded_ms[scenario.viral]
    assert (uploaded >= scenario.before.params.start_ms).all()
    assert (uploaded < scenario.before.params.end_ms - DAY_MS).all()
    assert len(scenario.born()) == PARAMS.births_a_day * PARAMS.n_days


def test_nothing_shown_makes_a_difference_in_the_placebo() -> None:
    world = build_scenario(replace(PARAMS, is_placebo=True)).before
    rows = np.arange(len(world.contents.id))
    seconds = world.expected_watch(0, rows)
    assert np.ptp(seconds) == 0
    assert seconds[0] > 0
