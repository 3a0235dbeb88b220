"""The promises that every source keeps."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.candidates.scores import Draw
from apps.candidates.sources import SOURCE_NAMES, SOURCES
from apps.candidates.tests.factories import make_request, two_communities, watched
from apps.candidates.types import Request, RetrievalModels
from apps.content.types import Catalog
from apps.core.pipeline import Source
from apps.profiles.types import Stance


def test_names_of_sources_are_unique() -> None:
    assert len(set(SOURCE_NAMES)) == len(SOURCES)


def test_every_source_fits_the_mask_of_proposers() -> None:
    assert len(SOURCES) <= 32


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: s.name)
class TestEverySource:
    @pytest.fixture
    def request_(self, catalog: Catalog, models: RetrievalModels) -> Request:
        return self.make(catalog, models)

    def make(self, catalog: Catalog, models: RetrievalModels) -> Request:
        return make_request(
            catalog,
            watched(3, 7, 41, 25, 3),
            log=two_communities(),
            models=models,
            stance=Stance(followed=np.array([1])),
            age_group="18-24",
            language=0,
        )

    @pytest.fixture
    def excluded(self, catalog: Catalog) -> NDArray[np.bool_]:
        return np.random.default_rng(2).random(len(catalog)) < 0.4

    def test_has_a_quota(self, source: Source[Request], request_: Request) -> None:
        assert 1 <= source.quota(request_) <= 500

    def test_proposes_at_most_what_is_asked(
        self, source: Source[Request], request_: Request, excluded: NDArray[np.bool_]
    ) -> None:
        scores = source(request_)
        assert scores is not None
        assert 0 < len(scores.top(4, excluded)) <= 4

    def test_proposes_each_allowed_row_at_most_once(
        self, source: Source[Request], request_: Request, excluded: NDArray[np.bool_]
    ) -> None:
        scores = source(request_)
        assert scores is not None
        rows = scores.top(1000, excluded)
        assert len(rows)
        assert not excluded[rows].any()
        assert len(np.unique(rows)) == len(rows)

    def test_proposes_best_first_by_its_own_scores(
        self, source: Source[Request], request_: Request, excluded: NDArray[np.bool_]
    ) -> None:
        scores = source(request_)
        assert scores is not None
        ordered = scores.at(scores.top(source.quota(request_), excluded))
        # A draw by lot has no opinion about anything; all others have one about what they propose.
        assert np.isfinite(ordered).all() != isinstance(scores, Draw)
        assert not (np.diff(ordered) > 1e-6).any()

    def test_scores_any_rows_in_order(
        self, source: Source[Request], request_: Request, catalog: Catalog
    ) -> None:
        scores = source(request_)
        assert scores is not None
        everything = scores.at(np.arange(len(catalog)))
        assert everything.shape == (len(catalog),)
        assert everything.dtype == np.float32
        np.testing.assert_allclose(
            scores.at(np.array([43, 2])), everything[[43, 2]], rtol=1e-6, atol=1e-7
        )

    def test_scores_no_rows_as_nothing(self, source: Source[Request], request_: Request) -> None:
        scores = source(request_)
        assert scores is not None
        assert scores.at(np.empty(0, np.int64)).shape == (0,)

    def test_says_the_same_twice(
        self, source: Source[Request], catalog: Catalog, models: RetrievalModels
    ) -> None:
        one, two = source(self.make(catalog, models)), source(self.make(catalog, models))
        assert one is not None
        assert two is not None
        rows = np.arange(len(catalog))
        np.testing.assert_array_equal(one.at(rows), two.at(rows))
        none = np.zeros(len(rows), np.bool_)
        assert one.top(20, none).tolist() == two.top(20, none).tolist()

    def test_a_stranger_before_training_breaks_nothing(
        self, source: Source[Request], catalog: Catalog, models: RetrievalModels
    ) -> None:
        scores = source(make_request(catalog))
        assert scores is None or len(scores.at(np.arange(3))) == 3
