"""Contents as vectors: learned once, asked again for every upload, written and read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.candidates.algorithms.deepwalk import DeepWalkParams
from apps.candidates.content_vectors import ContentVectors
from apps.candidates.embedder import fit_embedder, load_embedder
from apps.candidates.services import (
    fit_content,
    fit_retrieval,
    load_retrieval,
    read_background,
    save_retrieval,
    with_newer,
)
from apps.candidates.tests.factories import (
    SMALL,
    made_of,
    make_background,
    make_catalog,
    two_communities,
)
from apps.candidates.types import RetrievalModels
from apps.content import selectors
from apps.content.models import Content
from apps.content.selectors import Described
from apps.content.services import upsert_contents
from apps.content.types import ContentMetadata, ContentRow
from apps.events.types import EventLog

N = 40
DESCRIBED = [made_of("dance" if row < 20 else "goal", f"t{row % 3}") for row in range(N)]


def vectors_of(described: list[Described | None]) -> ContentVectors:
    return fit_content(make_background(make_catalog(len(described)), described), SMALL)


def seen(*features: float) -> Described:
    return Described("", [], "", None, list(features))


class TestEmbedder:
    def test_contents_of_one_topic_lie_nearer(self) -> None:
        products = vectors_of(list(DESCRIBED)).fitted @ vectors_of(list(DESCRIBED)).fitted.T
        is_same = np.equal.outer(np.arange(N) < 20, np.arange(N) < 20)
        assert products[is_same].min() > products[~is_same].max()

    def test_equal_sounds_are_alike_and_others_hardly(self) -> None:
        vectors = vectors_of([made_of(sound=row % 2) for row in range(6)]).fitted
        assert vectors[0] @ vectors[2] == pytest.approx(1)
        assert abs(vectors[0] @ vectors[1]) < 0.8

    def test_visual_features_of_the_usual_length_count(self) -> None:
        rng = np.random.default_rng(0)
        looks = [seen(*(rng.normal(0, 0.1, 50) + (row % 2))) for row in range(12)]
        vectors = vectors_of([*looks, seen(1.0, 2.0), None]).fitted
        products = vectors[:12] @ vectors[:12].T
        is_same = np.equal.outer(np.arange(12) % 2, np.arange(12) % 2)
        assert products[is_same].min() > products[~is_same].max()
        assert not vectors[12:].any()

    def test_contents_that_only_sound_alike_are_found_by_their_sound(self) -> None:
        # Sums of decibels and small deviations: each counts by its own scale.
        rng = np.random.default_rng(0)
        scale = np.array([100.0] * 20 + [0.1] * 40)
        kinds = rng.normal(0, 1, (2, 60))
        heard = [(kinds[row % 2] + rng.normal(0, 0.3, 60)) * scale for row in range(12)]
        described = [
            Described("the same words", ["x"], "dance", None, None, one.tolist()) for one in heard
        ]

        vectors = vectors_of(list(described)).fitted

        products = vectors @ vectors.T
        is_same = np.equal.outer(np.arange(12) % 2, np.arange(12) % 2)
        assert products[is_same].min() > products[~is_same].max()

    def test_blocks_that_nobody_has_cost_no_dimension(self) -> None:
        assert vectors_of([made_of() for _ in range(3)]).fitted.shape == (3, 0)

    def test_is_read_back_as_it_was(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        described = [
            Described("a word", ["x"], "dance", row % 3, rng.normal(size=9).tolist())
            for row in range(9)
        ]
        embedder = fit_embedder(np.arange(9), lambda _: [described], SMALL.content, seed=0)
        embedder.save(tmp_path)
        again = load_embedder(tmp_path).blocks(described)
        for name, block in embedder.blocks(described).items():
            np.testing.assert_array_equal(again[name], block)


def test_bundle_from_before_there_was_audio_is_read(
    models: RetrievalModels, tmp_path: Path
) -> None:
    save_retrieval(models, make_catalog(N), tmp_path)
    for part in ("mean", "basis"):
        (tmp_path / f"embedder_audio_{part}.npy").unlink()
    facts = json.loads((tmp_path / "retrieval.json").read_text())
    del facts["params"]["content"]["weights"]["audio"]
    (tmp_path / "retrieval.json").write_text(json.dumps(facts))

    again = load_retrieval(tmp_path, make_catalog(N))

    assert again.content is not None
    newer = again.content.followed(make_catalog(N + 1), lambda pks: [[DESCRIBED[0]] * len(pks)])
    vectors = newer.at(np.array([0, N]))
    assert vectors[1] @ vectors[0] == pytest.approx(1, abs=1e-5)


@pytest.fixture(scope="module")
def models() -> RetrievalModels:
    catalog = make_catalog(N)
    groups = dict.fromkeys(range(1, 30), ("en", "18-24"))
    background = make_background(catalog, list(DESCRIBED), groups=groups)
    return fit_retrieval(two_communities(), catalog, SMALL, background)


class TestSaveAndLoad:
    @pytest.fixture
    def folder(self, models: RetrievalModels, tmp_path: Path) -> Path:
        save_retrieval(models, make_catalog(N), tmp_path)
        return tmp_path

    def test_what_is_read_is_what_was_written(self, models: RetrievalModels, folder: Path) -> None:
        again = load_retrieval(folder, make_catalog(N))
        assert models.content is not None
        assert again.content is not None
        np.testing.assert_array_equal(again.content.fitted, models.content.fitted)
        assert models.viewers is not None
        assert again.viewers is not None
        np.testing.assert_array_equal(again.viewers.vectors, models.viewers.vectors)
        np.testing.assert_array_equal(
            again.viewers.met(np.arange(5)), models.viewers.met(np.arange(5))
        )
        assert again.charts is not None
        assert models.charts is not None
        assert set(again.charts.charts) == set(models.charts.charts)

    def test_another_order_of_rows_names_the_same_contents(
        self, models: RetrievalModels, folder: Path
    ) -> None:
        order = np.random.default_rng(3).permutation(N)
        catalog = make_catalog(N, content_pk=make_catalog(N).content_pk[order])
        again = load_retrieval(folder, catalog)
        assert models.content is not None
        assert again.content is not None
        np.testing.assert_array_equal(again.content.fitted, models.content.fitted[order])
        assert models.viewers is not None
        assert again.viewers is not None
        _, mine, _ = models.viewers.met(np.arange(9))
        _, read, _ = again.viewers.met(np.arange(9))
        np.testing.assert_array_equal(order[read], mine)
        np.testing.assert_array_equal(
            again.viewers.baseline.contents, models.viewers.baseline.contents[order]
        )

    def test_content_that_is_gone_is_met_by_nobody(self, folder: Path) -> None:
        kept = make_catalog(N).content_pk[1:]
        again = load_retrieval(folder, make_catalog(N - 1, content_pk=kept))
        assert again.viewers is not None
        owner, content, rating = again.viewers.met(np.arange(len(again.viewers)))
        assert content.min() >= 0
        assert len(owner) == len(content) == len(rating) < len(two_communities())

    def test_deepwalk_is_written_and_read_like_als(self, tmp_path: Path) -> None:
        params = replace(SMALL, embedder="deepwalk", deepwalk=DeepWalkParams(factors=12))
        models = fit_retrieval(two_communities(), make_catalog(N), params)
        save_retrieval(models, make_catalog(N), tmp_path)
        again = load_retrieval(tmp_path, None)
        assert again.params.embedder == "deepwalk"
        np.testing.assert_array_equal(again.vectors, models.vectors)
        assert models.vectors.shape == (N, 12)
        assert models.viewers is not None
        assert models.viewers.vectors.shape == (60, 12)


@pytest.mark.django_db
class TestNewer:
    def upload(self, name: str, topic: str, *, at_ms: int) -> None:
        metadata = ContentMetadata(description=topic, tags=[topic], category=topic)
        assert upsert_contents([ContentRow(name, "c", metadata=metadata)], now_ms=at_ms) == []

    def trained(self) -> RetrievalModels:
        for row in range(12):
            self.upload(f"v{row}", "dance" if row % 2 else "goal", at_ms=1_000_000 + row)
        catalog = selectors.catalog()
        background = read_background(catalog, SMALL)
        return fit_retrieval(EventLog.empty(), catalog, SMALL, background)

    def nearest(self, models: RetrievalModels, row: int) -> list[int]:
        content = models.content
        assert content is not None
        excluded = np.zeros(len(content), np.bool_)
        excluded[row] = True
        return content.search(content.at(np.array([row]))[0], 6, excluded).tolist()

    def test_upload_gets_a_vector_with_the_vocabulary_of_the_training(self) -> None:
        models = self.trained()
        self.upload("new", "dance", at_ms=2_000_000)
        models = with_newer(models, selectors.catalog())
        assert models.content is not None
        assert len(models.content) == 13
        assert {row % 2 for row in self.nearest(models, 12)} == {1}
        assert 12 in self.nearest(models, 1)
        # Scores of everything, as a small catalogue is asked, agree.
        query = models.content.at(np.array([1]))
        np.testing.assert_allclose(
            models.content.products(query)[0],
            models.content.at(np.arange(13)) @ query[0],
            rtol=1e-6,
        )

    def test_what_is_told_of_it_later_moves_it(self) -> None:
        models = self.trained()
        self.upload("new", "dance", at_ms=2_000_000)
        models = with_newer(models, selectors.catalog())
        self.upload("new", "goal", at_ms=3_000_000)
        models = with_newer(models, selectors.catalog())
        assert {row % 2 for row in self.nearest(models, 12)} == {0}

    def test_nothing_new_changes_nothing(self) -> None:
        models = self.trained()
        assert with_newer(models, selectors.catalog()) is models
        self.upload("new", "dance", at_ms=2_000_000)
        models = with_newer(models, selectors.catalog())
        assert with_newer(models, selectors.catalog()) is models

    def test_content_that_is_gone_has_no_vector(self) -> None:
        self.trained()
        pks = selectors.catalog().content_pk
        Content.objects.filter(pk=int(pks[3])).delete()
        found = [one for known in selectors.described(pks, chunk=5) for one in known]
        assert [one is None for one in found] == [row == 3 for row in range(12)]
