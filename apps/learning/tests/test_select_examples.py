"""What becomes an example of the select ranker."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.services import fit_retrieval
from apps.candidates.tests.factories import SMALL, make_catalog
from apps.content import selectors as content
from apps.content.tests.factories import make_contents
from apps.events import selectors as events
from apps.events.models import Slate
from apps.events.types import EventLog, EventType
from apps.learning.moments import Moment, moment
from apps.learning.select_examples import served_examples, slice_examples
from apps.learning.slices import Slice, temporal_slice
from apps.learning.tests.factories import N_CONTENTS, PARAMS, returning_viewers
from apps.learning.tests.online.factories import NOW_MS, act, show
from apps.learning.training import train_all
from apps.ranking.rankers import SELECT_NAMES

pytestmark = pytest.mark.django_db
CATALOG = make_catalog(N_CONTENTS)
LOG = returning_viewers()


@pytest.fixture
def part() -> Slice:
    return temporal_slice(LOG, share=0.2)


@pytest.fixture
def then(part: Slice) -> Moment:
    models = fit_retrieval(part.past, CATALOG, SMALL)
    return moment(part.past, CATALOG, models, part.at_ms)


class TestSliceExamples:
    def test_labels_say_what_became_of_a_candidate(self, part: Slice, then: Moment) -> None:
        examples = slice_examples(part, then, PARAMS)
        assert set(np.unique(examples.y).tolist()) == {0, np.float32(PARAMS.shown_label), 1}
        assert examples.x.shape == (len(examples.y), len(SELECT_NAMES))

    def test_positives_are_the_long_views_of_what_was_retrieved(
        self, part: Slice, then: Moment
    ) -> None:
        # All 120 contents are in reach of the sources: every unseen view of the future is found.
        n_views = int((part.future.kind == EventType.VIEW).sum())
        examples = slice_examples(part, then, PARAMS)
        assert 0.8 * n_views <= np.count_nonzero(examples.y) <= n_views

    def test_others_are_drawn_up_to_a_number(self, part: Slice, then: Moment) -> None:
        examples = slice_examples(part, then, replace(PARAMS, negatives=4))
        assert np.count_nonzero(examples.y == 0) == 4 * 30

    def test_viewers_without_a_long_view_give_no_examples(self, part: Slice, then: Moment) -> None:
        only_even = part.future.take(part.future.content % 2 == 0)
        examples = slice_examples(replace(part, future=only_even), then, PARAMS)
        assert len(examples.y) == 0

    def test_viewers_without_a_past_give_no_examples(self, part: Slice, then: Moment) -> None:
        strangers = replace(part.future, viewer=part.future.viewer + 1000)
        assert len(slice_examples(replace(part, future=strangers), then, PARAMS).y) == 0

    def test_number_of_viewers_is_bounded(self, part: Slice, then: Moment) -> None:
        examples = slice_examples(part, then, replace(PARAMS, max_viewers=3, negatives=4))
        assert np.count_nonzero(examples.y == 0) == 4 * 3


class TestServedExamples:
    """Two viewers saw five contents each, and watched four, the even ones long."""

    @pytest.fixture
    def log(self) -> EventLog:
        made = make_contents(5, now_ms=NOW_MS - 1000)
        for user in ("alice", "bob"):
            request_id = show(user, made)
            for i, content_id in enumerate(made[:4]):
                seconds = 20.0 if i % 2 == 0 else 1.0
                then = NOW_MS + 1000 * (i + 1)
                act("view", user, content_id, request_id, at_ms=then, watch_duration=seconds)
        return events.log(content.current_catalog())

    def test_each_slate_is_a_pool_of_what_was_viewed(self, log: EventLog) -> None:
        examples = served_examples(log, content.current_catalog(), PARAMS)
        assert examples.sizes.tolist() == [4, 4]
        assert examples.y.tolist() == [1, 0, 1, 0] * 2
        slot = SELECT_NAMES.index("slot")
        assert examples.x[:, slot].tolist() == [1, 2, 3, 4] * 2
        assert examples.weight < 1  # a feed shows what it thought of already

    def test_what_was_not_known_then_is_no_answer(self, log: EventLog) -> None:
        known = log.before(NOW_MS + 2500)
        examples = served_examples(known, content.current_catalog(), PARAMS)
        assert examples.sizes.tolist() == [2, 2]

    def test_views_of_slates_are_not_learned_twice(self, log: EventLog) -> None:
        said: list[str] = []
        train_all(log, content.current_catalog(), PARAMS, version="v", say=said.append)
        assert "ranking examples from 2 slates" in said
        assert not any("events after" in line for line in said)

    def test_slates_of_other_features_leave_their_views_to_pools(self, log: EventLog) -> None:
        Slate.objects.update(feature_schema="other")
        said: list[str] = []
        train_all(log, content.current_catalog(), PARAMS, version="v", say=said.append)
        assert not any("slates" in line for line in said)
        assert any("events after" in line for line in said)
