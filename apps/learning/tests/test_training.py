"""Training: what is learned, and what where there is little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.candidates.tests.factories import make_catalog, make_log
from apps.events.types import EventLog, EventType
from apps.features.encoding import fit
from apps.features.replay import Pairs, replay
from apps.features.selectors import NAMES
from apps.learning.moments import pairs_of
from apps.learning.select_examples import Examples
from apps.learning.slices import Slice, temporal_slice
from apps.learning.tests.factories import N_CONTENTS, PARAMS, returning_viewers
from apps.learning.training import train_all, train_heads, train_select
from apps.ranking.inputs import Inputs, ids_of
from apps.ranking.rankers import SELECT_NAMES
from apps.ranking.types import BOOSTED, NEURAL, WATCH_QUANTILE, Head

pytestmark = pytest.mark.django_db
CATALOG = make_catalog(N_CONTENTS)
LOG = returning_viewers()


@pytest.fixture
def part() -> Slice:
    return temporal_slice(LOG, share=0.2)


class TestTrainSelect:
    def test_too_few_positives_teach_nothing(self) -> None:
        x = np.zeros((100, len(SELECT_NAMES)), np.float32)
        assert not train_select(
            [Examples(x, np.zeros(100, np.float32), np.full(10, 10))], PARAMS
        ).is_learned

    def test_no_slices_teach_nothing(self) -> None:
        assert not train_select([], PARAMS).is_learned


class TestTrainHeads:
    def test_rare_outcomes_get_their_base_rate(self) -> None:
        models = train_heads(LOG, CATALOG, PARAMS).boosted.models
        assert models[Head.LIKE].is_learned
        assert not models[Head.REPORT].is_learned
        # Nobody reported: 0.1 in 900 views and one
        assert models[Head.REPORT].base == pytest.approx(0.1 / 901)

    def test_both_rankers_are_weighed_where_there_is_enough_to_judge_them_by(self) -> None:
        weights = train_heads(LOG, CATALOG, PARAMS).blend.weights()
        # 45 of the 135 latest views were liked, none was reported.
        assert min(weights[Head.LIKE].values()) > 0.04
        assert weights[Head.REPORT] == pytest.approx({BOOSTED: 0.95, NEURAL: 0.05})

    def test_seconds_are_told_apart(self) -> None:
        # Odd contents are watched for 20 s, even ones for 5 s, half of them each.
        views = LOG.take(LOG.kind == EventType.VIEW)
        learned = train_heads(LOG, CATALOG, PARAMS)
        assert learned.neural is not None
        inputs = Inputs(
            replay(LOG, CATALOG, Pairs.of_events(views)),
            ids_of(views.viewer, views.content, CATALOG),
        )
        quantile = learned.boosted.predict(inputs)[WATCH_QUANTILE]
        seconds = learned.watch.back(quantile, inputs.duration)
        is_long = views.watch_seconds > 10
        assert np.median(seconds[is_long]) == 20
        assert np.median(seconds[~is_long]) == 5

    def test_few_views_teach_base_rates_only(self) -> None:
        few = LOG.take(slice(0, 60))
        learned = train_heads(few, CATALOG, PARAMS)
        assert not any(model.is_learned for model in learned.boosted.models.values())
        assert learned.neural is None


class TestEncoder:
    def test_rows_after_the_training_window_do_not_change_it(self) -> None:
        cut = int(LOG.at_ms[len(LOG) * 2 // 3])
        known = train_heads(LOG.before(cut), CATALOG, PARAMS).encoder
        views = LOG.before(cut).take(LOG.before(cut).kind == EventType.VIEW)
        of_window = fit(replay(LOG, CATALOG, pairs_of(views, CATALOG)))
        np.testing.assert_array_equal(known.mean, of_window.mean)
        np.testing.assert_array_equal(known.high, of_window.high)
        everything = train_heads(LOG, CATALOG, PARAMS).encoder
        assert (everything.mean != known.mean).any()


class TestTrainAll:
    def test_same_log_gives_the_same_rankers(self) -> None:
        one, two = (
            train_all(LOG, CATALOG, PARAMS, version="v", say=lambda _: None) for _ in range(2)
        )
        x = np.random.default_rng(0).normal(size=(50, len(SELECT_NAMES))).astype(np.float32)
        np.testing.assert_array_equal(one.rankers.select.predict(x), two.rankers.select.predict(x))
        inputs = Inputs.of_strangers(x[:, -len(NAMES) :])
        heads, again = one.rankers.predict_heads(inputs), two.rankers.predict_heads(inputs)
        assert all((heads[name] == again[name]).all() for name in heads)
        np.testing.assert_array_equal(one.retrieval.vectors, two.retrieval.vectors)

    def test_ranking_examples_know_nothing_of_what_came_after_their_moment(
        self, part: Slice
    ) -> None:
        # Shares are no views: neither the cut nor a label moves, only what could have leaked.
        rows = np.random.default_rng(1).integers(0, N_CONTENTS, 500).tolist()
        wild = make_log(
            [(i % 30 + 1, row, part.at_ms + i, EventType.SHARE) for i, row in enumerate(rows)]
        )
        params = replace(PARAMS, n_slices=1)
        calm, stormy = (
            train_all(log, CATALOG, params, version="v", say=lambda _: None).rankers.select
            for log in (LOG, EventLog.concat([LOG, wild]))
        )
        x = np.random.default_rng(0).normal(size=(50, len(SELECT_NAMES))).astype(np.float32)
        np.testing.assert_array_equal(calm.predict(x), stormy.predict(x))

    def test_log_of_one_event_teaches_nothing_and_does_not_fail(self) -> None:
        trained = train_all(LOG.take(slice(0, 1)), CATALOG, PARAMS, version="v", say=lambda _: None)
        assert not trained.rankers.select.is_learned
        assert not trained.retrieval.next_item.weights.any()
