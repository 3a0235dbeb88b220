"""The feed's dials as one request has them."""

from __future__ import annotations

from apps.candidates.tests.factories import Happened, make_catalog, make_log, make_request
from apps.feed.conf import PARAMS
from apps.feed.dials import exploration_of

CATALOG = make_catalog(40)


def test_newcomers_are_not_asked_to_explore_what_few_have_met() -> None:
    met = make_log([Happened(1, row) for row in range(40)])
    newcomer, known = (exploration_of(make_request(CATALOG, log)) for log in (None, met))

    assert newcomer.content_share == 0
    assert known.content_share >= PARAMS.explore_share * 0.99
    assert newcomer.topic_share > known.topic_share > 0
