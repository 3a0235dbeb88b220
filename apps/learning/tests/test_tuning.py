"""Self-tuning finds what a log was made with, and leaves alone what is pinned."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from apps.candidates.conf import (
    DEFAULTS,
    LEAST_QUOTAS,
    QUOTAS,
    RetrievalParams,
    value_of,
    with_values,
)
from apps.candidates.sources import SOURCE_NAMES
from apps.candidates.tests.factories import SMALL, make_catalog, make_log
from apps.core.clock import DAY_MS
from apps.events.types import EventLog
from apps.learning import selectors, services
from apps.learning.conf import TrainingParams
from apps.learning.models import TunedParam
from apps.learning.tuning.families import FAMILIES, NAMES
from apps.learning.tuning.search import Trials, tune

NOW_MS = 1_760_000_000_000
N_CONTENTS = 40


def all_but(*names: str) -> dict[str, Any]:
    """Return every parameter pinned but some, so that the search is about these only."""
    return {name: value_of(SMALL, name) for name in NAMES if name not in names}


QUOTA_NAMES = [name for name in NAMES if name.startswith("quotas.")]
# A parameter a family, and the quotas.
SOME = all_but("als_signal.short_view", "item_item.shrinkage", "kappa", *QUOTA_NAMES)


@cache
def moving() -> tuple[RetrievalParams, Trials]:
    """Return what several tests look at, searched once."""
    return tuned(MOVING, pinned=SOME)


def tuned(
    log: EventLog, *, pinned: dict[str, Any] | None = None, n: int = N_CONTENTS, **options: Any
) -> tuple[RetrievalParams, Trials]:
    options = {"say": lambda _: None, **options}
    return tune(log, make_catalog(n), SMALL, pinned=pinned or {}, **options)


def daily(*, days_a_taste: int, viewers: int = 60, days: int = 12, n: int = N_CONTENTS) -> EventLog:
    """Return views in which a viewer's taste moves to other contents every so many days."""
    rng = np.random.default_rng(3)
    quarter = n // 4
    events = []
    for viewer in range(1, viewers + 1):
        for day in range(days):
            taste = (viewer % 4 + day // days_a_taste) % 4
            for row in rng.permutation(quarter)[:3]:
                at_ms = NOW_MS - (days - day) * DAY_MS + int(rng.integers(0, DAY_MS))
                events.append((viewer, int(row) + taste * quarter, at_ms))
    return make_log(events)


NO_DECAY = {"query.nearest": 1000.0}
MOVING, STEADY = daily(days_a_taste=3), daily(days_a_taste=100, n=160)


class TestValues:
    def test_every_name_is_a_parameter_and_its_default_is_among_the_values(self) -> None:
        for family in FAMILIES:
            for choice in family.choices:
                assert value_of(DEFAULTS, choice.name) in choice.values, choice.name

    def test_every_source_has_a_quota(self) -> None:
        assert set(QUOTAS) == set(SOURCE_NAMES)
        assert set(LEAST_QUOTAS) <= set(SOURCE_NAMES)

    def test_values_are_put_where_their_name_says(self) -> None:
        params = with_values(DEFAULTS, {"als.factors": 32, "quotas.fresh": 7})
        assert (params.als.factors, params.quotas["fresh"]) == (32, 7)
        assert params.next_item == DEFAULTS.next_item

    @pytest.mark.parametrize("name", ["als.nonsense", "nonsense", "als.factors.deeper"])
    def test_unknown_name_is_refused(self, name: str) -> None:
        with pytest.raises((KeyError, TypeError)):
            with_values(DEFAULTS, {name: 1})

    def test_value_of_another_type_is_refused(self) -> None:
        with pytest.raises(ValueError, match="Expected `int`"):
            with_values(DEFAULTS, {"als.factors": "many"})


@pytest.mark.django_db
class TestTune:
    def test_moving_taste_asks_for_the_latest_events(self) -> None:
        params, trials = tuned(MOVING, pinned=all_but("query.nearest"))
        found = dict(trials.tried["query.nearest"])
        assert params.query.nearest < SMALL.query.nearest
        assert found[params.query.nearest] > found[SMALL.query.nearest]

    def test_moving_taste_asks_for_recent_history(self) -> None:
        params, trials = tuned(MOVING, pinned=all_but("als_signal.half_life_hours") | NO_DECAY)
        found = dict(trials.tried["als_signal.half_life_hours"])
        assert params.als_signal.half_life_hours is not None
        assert found[params.als_signal.half_life_hours] > found[None]

    def test_steady_taste_keeps_the_whole_history(self) -> None:
        free = all_but("als_signal.half_life_hours") | NO_DECAY
        params, _ = tuned(STEADY, n=160, pinned=free)
        assert params.als_signal.half_life_hours is None

    def test_walks_are_tried_and_not_taken_where_they_earn_less(self) -> None:
        params, trials = tuned(STEADY, n=160, pinned=all_but("embedder") | {"timeliness": 0.0})
        found = dict(trials.tried["embedder"])
        assert set(found) == {"als", "deepwalk"}
        assert found[params.embedder] == max(found.values())

    def test_pinned_values_stay(self) -> None:
        pinned = all_but("query.nearest", "quotas.nearest") | {"quotas.popular_1d": 11}
        params, trials = tuned(MOVING, pinned=pinned)
        assert params.als_signal == SMALL.als_signal
        assert params.quotas["popular_1d"] == 11
        assert "als_signal.half_life_hours" not in trials.tried

    def test_no_more_is_tried_than_was_asked_for(self) -> None:
        _, trials = tuned(MOVING, n_trials=12)
        assert trials.n <= 12
        searched = [name for name in trials.tried if name not in QUOTA_NAMES]
        # Where each parameter stood is judged too, and is no trial.
        assert sum(len(trials.tried[name]) for name in searched) - len(searched) == trials.n

    def test_nothing_is_tried_twice(self) -> None:
        _, trials = tuned(MOVING, pinned=all_but("query.nearest"))
        values = {value for value, _ in trials.tried["query.nearest"]}
        assert trials.n == len(values - {SMALL.query.nearest})

    def test_trials_and_no_clock_decide_what_is_found(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = tuned(MOVING, n_trials=8)[0]
        times = count(step=3600.0)
        monkeypatch.setattr("time.monotonic", lambda: next(times))
        assert tuned(MOVING, n_trials=8)[0] == found

    def test_search_that_is_cut_says_so_and_keeps_what_it_has(self) -> None:
        said: list[str] = []
        params, trials = tuned(MOVING, minutes=0, say=said.append)
        assert trials.n == 0
        assert (params.als, params.als_signal) == (SMALL.als, SMALL.als_signal)
        assert [step for step in said if step.startswith("cut after 0 minutes")]

    def test_empty_log_gives_the_start(self) -> None:
        params, trials = tuned(EventLog.empty())
        assert params == SMALL
        assert trials.tried == {}

    def test_same_log_gives_the_same_parameters(self) -> None:
        assert tuned(MOVING, pinned=SOME)[0] == moving()[0]

    def test_every_source_is_given_at_least_what_principle_demands(self) -> None:
        params, _ = moving()
        assert all(params.quotas[name] >= least for name, least in LEAST_QUOTAS.items())


@pytest.mark.django_db
class TestStored:
    def test_training_uses_what_is_stored(self) -> None:
        services.pin({"als.factors": 32})
        assert selectors.training_params().retrieval.als.factors == 32
        assert selectors.pinned() == {"als.factors": 32}

    def test_unpinned_value_is_free_for_the_next_search(self) -> None:
        services.pin({"als.factors": 32})
        services.pin({}, unpin=["als.factors"])
        assert selectors.pinned() == {}

    @pytest.mark.parametrize(
        "values", [{"als.factors": "many"}, {"nonsense": 1}], ids=["type", "name"]
    )
    def test_what_cannot_be_is_not_stored(self, values: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            services.pin(values)
        assert not TunedParam.objects.exists()

    def test_parameter_of_an_older_version_is_passed_over(self) -> None:
        TunedParam.objects.create(name="als.gone", value=3)
        assert selectors.training_params() == TrainingParams()

    def test_admin_shows_what_each_value_earned(self, admin_client: Any) -> None:
        TunedParam.objects.create(name=NAMES[0], value=24.0, tried=[[None, 0.0611], [24.0, 0.0655]])
        page = admin_client.get("/admin/learning/tunedparam/").content.decode()
        assert "0.0655" in page

    def test_admin_refuses_a_value_that_cannot_be(self, admin_client: Any) -> None:
        param = TunedParam.objects.create(name="als.factors", value=64)
        answer = admin_client.post(
            f"/admin/learning/tunedparam/{param.pk}/change/", {"value": '"many"'}
        )
        assert b"Expected `int`" in answer.content
