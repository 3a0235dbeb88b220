"""Comments move the vectors of contents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.candidates.services import (
    fit_retrieval,
    load_retrieval,
    read_background,
    save_retrieval,
    with_newer,
)
from apps.candidates.tests.factories import SMALL
from apps.candidates.types import RetrievalModels
from apps.content import comments, selectors
from apps.content.models import Content
from apps.content.services import upsert_contents
from apps.content.types import ContentMetadata, ContentRow
from apps.events.types import EventLog
from apps.profiles.models import Viewer
from apps.profiles.pseudonyms import pseudonym


@pytest.mark.django_db
class TestComments:
    def trained(self) -> RetrievalModels:
        for row in range(12):
            topic = "dance" if row % 2 else "goal"
            metadata = ContentMetadata(description=f"{topic} {topic}s")
            upsert_contents([ContentRow(f"v{row}", "c", metadata=metadata)], now_ms=1_000_000 + row)
        upsert_contents([ContentRow("silent", "c")], now_ms=1_000_100)
        catalog = selectors.catalog()
        return fit_retrieval(EventLog.empty(), catalog, SMALL, read_background(catalog, SMALL))

    def write(self, content_id: str, text: str, *, at_ms: int) -> None:
        viewer = Viewer.objects.get_or_create(pseudonym=pseudonym("alice"))[0]
        pk = Content.objects.get(content_id=content_id).pk
        comments.keep([comments.Said(pk, viewer.pk, text, at_ms)])
        comments.tell(now_ms=at_ms)

    def cosines(self, models: RetrievalModels, row: int) -> tuple[float, float]:
        """Return the cosines of a row with a content about goals, and one about dance."""
        assert models.content is not None
        goal, dance, mine = models.content.at(np.array([0, 1, row]))
        return float(goal @ mine), float(dance @ mine)

    def test_comment_moves_a_content_of_the_training_without_another_one(self) -> None:
        models = self.trained()
        assert self.cosines(models, 12) == (0, 0)

        self.write("silent", "what a goal of all goals", at_ms=2_000_000)
        models = with_newer(models, selectors.catalog())

        goal, dance = self.cosines(models, 12)
        assert goal > 0.9 > dance
        assert with_newer(models, selectors.catalog()) is models
        # It is found by what it is now, also where all are asked.
        assert models.content is not None
        excluded = np.zeros(13, np.bool_)
        query = models.content.at(np.array([0]))
        assert 12 in models.content.search(query[0], 7, excluded).tolist()
        excluded[12] = True
        assert 12 not in models.content.search(query[0], 13, excluded).tolist()
        assert models.content.products(query)[0, 12] == pytest.approx(goal)

    def test_comments_do_not_outvote_the_description(self) -> None:
        models = self.trained()
        for i in range(5):
            self.write("v1", "goal goals goal", at_ms=2_000_000 + i)
        goal, dance = self.cosines(with_newer(models, selectors.catalog()), 1)

        assert dance > goal

    def test_words_go_with_their_author(self) -> None:
        models = self.trained()
        self.write("silent", "what a goal of all goals", at_ms=2_000_000)
        models = with_newer(models, selectors.catalog())

        comments.forget(Viewer.objects.get().pk, now_ms=3_000_000)

        assert self.cosines(with_newer(models, selectors.catalog()), 12) == (0, 0)

    def test_only_what_changed_last_is_embedded_again(self, monkeypatch: Any) -> None:
        monkeypatch.setattr("apps.candidates.content_vectors.MOST_CHANGED", 2)
        models = self.trained()
        for i in range(4):
            self.write(f"v{i}", "hello", at_ms=2_000_000 + i)
        models = with_newer(models, selectors.catalog())

        assert models.content is not None
        assert models.content.rows.tolist() == [2, 3]

    def test_bundle_knows_what_changed_since_it_was_made(self, tmp_path: Path) -> None:
        models = self.trained()
        save_retrieval(models, selectors.catalog(), tmp_path)
        self.write("silent", "what a goal of all goals", at_ms=2_000_000)
        again = load_retrieval(tmp_path, selectors.catalog())

        again = with_newer(again, selectors.catalog())

        assert again.content is not None
        assert again.content.rows.tolist() == [12]
        assert self.cosines(again, 12)[0] > 0.9
