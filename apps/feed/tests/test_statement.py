"""The main parameters of the feed in plain words: as the API and the page tell them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.candidates.sources import SOURCE_NAMES
from apps.feed.modes import FOR_YOU, MODES
from apps.feed.reasons import reason_of
from apps.feed.statement import CRITERIA, statement
from apps.ranking.objective import DEFAULTS, TERMS
from apps.ranking.services import add_objective

pytestmark = pytest.mark.django_db(transaction=True)


def weights(answer: Any) -> dict[str, float]:
    return {one["name"]: one["weight"] for one in answer.json()["criteria"]}


class TestApi:
    def test_it_says_what_is_built_in(self, api: Any) -> None:
        answer = api.get("feed/parameters")
        assert answer.status_code == 200
        assert weights(answer) == DEFAULTS
        assert answer.json()["objective"] == 0
        assert not answer.json()["is_learned"]
        assert [mode["name"] for mode in answer.json()["modes"]] == list(MODES)

    def test_it_follows_the_weights_that_an_editor_sets(self, api: Any) -> None:
        given = {"select": 1.0, "like": 0.5, "hide": -0.3}
        chosen = add_objective(given, reason="more likes", activate=True)
        answer = api.get("feed/parameters")
        assert weights(answer) == {"select": 1.0, "like": 0.5, "hide": -0.3}
        assert answer.json()["objective"] == chosen.pk

    def test_steps_are_those_of_the_pipeline_in_order(self, api: Any) -> None:
        told, pipeline = api.get("feed/parameters").json(), MODES[FOR_YOU].pipeline
        for part, stages in (
            ("proposes", pipeline.sources),
            ("removes", pipeline.filters),
            ("adjusts", pipeline.rerankers),
        ):
            assert [step["name"] for step in told[part]] == [stage.name for stage in stages]


def test_nothing_that_may_order_a_feed_is_without_words() -> None:
    assert set(TERMS) <= set(CRITERIA)
    unnamed = reason_of("no such source", "c")
    assert [name for name in SOURCE_NAMES if reason_of(name, "c") == unnamed] == []


def test_anybody_may_read_the_page(client: Client) -> None:
    answer = client.get("/about/")
    assert answer.status_code == 200
    for one in statement().criteria:
        assert one.says in answer.text
