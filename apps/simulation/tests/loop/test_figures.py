"""Figures of hand-made outcomes, means over seeds, and the report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.simulation.impressions import Impressions
from apps.simulation.loop.figures import figures, gini
from apps.simulation.loop.report import plot, write_report
from apps.simulation.loop.run import Outcome
from apps.simulation.loop.scenario import Scenario, ScenarioParams, build_scenario
from apps.simulation.loop.summary import placebo_lift, summarize
from apps.simulation.types import DAY_MS


def make_scenario() -> Scenario:
    scenario = build_scenario(ScenarioParams(n_viewers=2, n_days=4, n_archive=300))
    return replace(
        scenario, joins_on=np.array([0, 1]), is_flipped=np.zeros(2, bool), after=scenario.before
    )


def make_outcome(scenario: Scenario, *, viewer: int, rows: Any, day: int) -> Outcome:
    """Return an outcome in which one viewer watches 6 s of each of some contents."""
    n = len(rows)
    shown = Impressions(
        viewer=np.full(n, viewer),
        content=np.asarray(rows),
        session=np.ones(n, int),
        shown_ms=scenario.before.params.start_ms + day * DAY_MS + 10_000 * np.arange(n),
        watch_seconds=np.full(n, 6.0),
        actions=np.zeros(n, np.int32),
    )
    was_there = np.zeros((2, 4), bool)
    was_there[0, [0, 1]] = was_there[1, [1, 3]] = True
    return Outcome(shown, was_there, n, 0, n, 0)


def test_minutes_are_of_all_days_since_joining() -> None:
    scenario = make_scenario()
    found = figures(scenario, make_outcome(scenario, viewer=0, rows=range(20), day=0))
    # 20 · 6 s = 2 minutes over 4 days of the first viewer and 3 of the second
    assert found["minutes_per_viewer_day"] == pytest.approx(2 / 7)
    assert found["minutes_by_day"] == pytest.approx([2.0, 0, 0, 0])  # the second has not joined


def test_retention_counts_from_the_day_of_joining() -> None:
    scenario = make_scenario()
    found = figures(scenario, make_outcome(scenario, viewer=0, rows=range(20), day=0))
    assert found["d1"] == 0.5  # the first came on day 1, the second not on day 2
    assert found["d7"] is None  # nobody is there that long
    assert found["dau"] == [1, 2, 0, 1]


def test_topic_share_is_of_the_ten_latest() -> None:
    scenario = make_scenario()
    likes = scenario.before.viewers.taste[1, scenario.before.contents.category] > 0
    rows = np.concatenate([np.flatnonzero(~likes)[:15], np.flatnonzero(likes)[:5]])
    found = figures(scenario, make_outcome(scenario, viewer=1, rows=rows, day=1))
    by_event = found["topic_share_by_event"]
    assert (by_event["10"], by_event["20"], by_event["50"]) == (0.0, 0.5, None)


def test_gini_of_equal_and_of_one() -> None:
    assert gini(np.ones(4)) == pytest.approx(0)
    assert gini(np.array([0.0, 0, 0, 8])) == pytest.approx(0.75)  # (n − 1) / n
    assert gini(np.zeros(3)) == 0


def test_placebo_lift_is_relative_and_paired() -> None:
    system, random = {"minutes_by_viewer": [3.0, 5.0]}, {"minutes_by_viewer": [2.0, 2.0]}
    found = placebo_lift(system, random)
    assert found["lift"] == pytest.approx(1.0)  # (1 + 3) / 2 over 2
    assert found["standard_error"] == pytest.approx(0.5)  # √2 / √2 over 2


def make_run(minutes: float, d7: float | None) -> dict[str, Any]:
    scenario = make_scenario()
    found = figures(scenario, make_outcome(scenario, viewer=0, rows=range(20), day=0))
    return {
        **found,
        "minutes_per_viewer_day": minutes,
        "d7": d7,
        "minutes_by_viewer": [],
        "degraded": {"x": 1},
        "failures": [],
        "seconds": 1.0,
    }


def test_summary_means_over_seeds_and_compares() -> None:
    found = summarize(
        {
            "popular": [make_run(1, 0.2), make_run(3, None)],
            "system": [make_run(4, 0.5), make_run(6, 0.5)],
        }
    )
    assert found["popular"]["minutes_per_viewer_day"] == 2
    assert found["popular"]["d7"] == pytest.approx(0.2)
    assert found["compared"]["system_over_popular"] == pytest.approx(2.5)
    assert found["compared"]["d7_over_popular_points"] == pytest.approx(30)
    assert found["system"]["degraded"] == {"x": 2}


def test_plot_leaves_out_what_is_unknown() -> None:
    line = plot("t", ["a", "b", "c"], {"system": [0.0, None, 2.0]}).lines[0]
    assert line.points == "44.0,156.0 410.0,10.0"


def test_report_is_one_page_that_asks_for_nothing(tmp_path: Path) -> None:
    summary = summarize({"random": [make_run(1, None)], "system": [make_run(2, None)]})
    page = write_report(tmp_path, summary, about={"viewers": 2}).read_text()
    assert page.count("<polyline") == 2 + 4 * 2  # the key, and four plots
    assert "system over random: 2" in page
    assert "http" not in page
