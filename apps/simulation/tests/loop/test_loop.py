"""A small closed loop over the API: order, placebo, repeats, clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.core import live as live_state
from apps.core.auth import create_key
from apps.core.clock import HOUR_MS, now_ms
from apps.core.models import Scope
from apps.events.models import Event
from apps.events.types import EventType
from apps.learning.services import train_and_publish
from apps.learning.tests.factories import PARAMS as CHEAP
from apps.simulation.loop.api import Api
from apps.simulation.loop.figures import figures
from apps.simulation.loop.policies import make_policy
from apps.simulation.loop.run import Loop, Outcome
from apps.simulation.loop.scenario import Scenario, ScenarioParams, build_scenario
from apps.simulation.loop.server import VirtualServer
from apps.simulation.types import DAY_MS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("virtual_clock")]
PARAMS = ScenarioParams(
    n_viewers=24, n_days=2, n_archive=240, births_a_day=3, first_share=1.0, n_bots=1,
    late_share=0.2, repeat_share=0.3,
)  # fmt: skip


_REFRESH_MS = HOUR_MS // 2


def live(policy: str, scenario: Scenario, *, learns: bool = False) -> Outcome:
    """Live through a scenario; where it learns, after the first day."""
    key = create_key(name="tests", scopes=list(Scope.values))
    server = VirtualServer(scenario.before.params.start_ms, key=key, works=False)
    refreshed = [scenario.before.params.start_ms - _REFRESH_MS]
    nights = [scenario.before.params.start_ms + DAY_MS]

    def advance(at_ms: int) -> None:
        while learns and nights and nights[0] <= at_ms:
            server.advance(nights.pop(0))
            train_and_publish(CHEAP, say=lambda _: None)
        server.advance(at_ms)
        if at_ms >= refreshed[-1] + _REFRESH_MS:
            refreshed.append(at_ms)
            live_state.refresh_all()

    api = Api(server.send)
    return Loop(scenario, make_policy(policy, scenario.before, api, seed=1), api, advance).run()


def patient(scenario: Scenario) -> Scenario:
    """Return it with viewers who stay and come back, so that few tell much."""
    laws = replace(scenario.before.laws, patience=9.0, neutral=0.0)
    return replace(
        scenario,
        before=replace(scenario.before, laws=laws),
        after=replace(scenario.after, laws=laws),
    )


def test_learned_feed_beats_chance_and_late_and_repeated_events_count_once() -> None:
    scenario = patient(build_scenario(PARAMS))
    system = live("system", scenario, learns=True)
    n_stored = Event.objects.count()
    n_views = Event.objects.filter(kind=EventType.VIEW, request_id__isnull=False).count()
    Event.objects.all().delete()
    random = live("random", scenario)
    ours, theirs = figures(scenario, system), figures(scenario, random)
    assert ours["minutes_per_viewer_day"] > theirs["minutes_per_viewer_day"]
    assert system.n_repeated > 0
    assert system.n_duplicates == system.n_repeated
    assert system.n_accepted == system.n_sent == n_stored
    assert n_views == len(system.shown.content)


def test_nothing_is_shown_twice_or_before_its_upload() -> None:
    shown = live("system", build_scenario(replace(PARAMS, n_days=1))).shown
    scenario = build_scenario(replace(PARAMS, n_days=1))
    pairs = np.stack([shown.viewer, shown.content], axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs) > 0
    assert (scenario.before.contents.uploaded_ms[shown.content] <= shown.shown_ms).all()


def test_placebo_shows_no_lift() -> None:
    scenario = build_scenario(replace(PARAMS, n_days=1, n_viewers=12, is_placebo=True))
    system = live("system", scenario)
    Event.objects.all().delete()
    random = live("random", scenario)
    assert system.shown.watch_seconds.sum() == pytest.approx(random.shown.watch_seconds.sum())
    assert system.shown.content.tolist() != random.shown.content.tolist()


def test_server_answers_at_the_virtual_moment() -> None:
    start_ms = build_scenario(PARAMS).before.params.start_ms
    key = create_key(name="tests", scopes=list(Scope.values))
    server = VirtualServer(start_ms, key=key, works=False)
    server.advance(start_ms + 5_000)
    assert now_ms() == start_ms + 5_000
    assert server.send("GET", "/api/v1/feed?user_id=u", b"")[0] == 200
    assert server.send("GET", "/api/v1/nothing", b"")[0] == 404
