"""The classifier of texts: learned, calibrated, explained."""

from __future__ import annotations

import numpy as np
import pytest

from apps.moderation.algorithms.text_classifier import TextClassifier, calibrated, learn
from apps.moderation.tests.corpus import corpus


def fitted() -> TextClassifier:
    texts, is_bad = corpus(seed=0)
    held_out, held_bad = corpus(seed=1)
    draft = learn(texts, is_bad)
    certain = np.ones(len(held_out), np.bool_)
    return calibrated(draft, draft.margins(held_out), held_bad, certain)


@pytest.fixture(scope="module")
def classifier() -> TextClassifier:
    return fitted()


def test_unseen_texts_are_told_apart(classifier: TextClassifier) -> None:
    texts, is_bad = corpus(seed=2)

    scores = classifier.scores(texts)

    assert ((scores >= classifier.zones.review) == is_bad).mean() > 0.97
    assert ((scores > 0) & (scores < 1)).all()


def test_score_does_not_depend_on_the_texts_beside(classifier: TextClassifier) -> None:
    texts, _ = corpus(seed=3)

    together = classifier.scores(texts)

    assert classifier.scores(texts[4:5])[0] == pytest.approx(together[4])


def test_disguised_word_scores_as_the_plain_one(classifier: TextClassifier) -> None:
    plain, hidden = classifier.scores(["you are vile scum", "you are v i l e 5cum"])

    assert hidden == pytest.approx(plain)


def test_grounds_name_the_words_that_speak_for_it(classifier: TextClassifier) -> None:
    grounds = classifier.grounds("the picnic with vile people")

    assert grounds[0][0].find("vile") >= 0
    assert all(weight > 0 for _, weight in grounds)


def test_text_without_known_words_has_no_grounds(classifier: TextClassifier) -> None:
    assert classifier.grounds("") == []
    assert np.isfinite(classifier.scores(["", "漢字", "?!"])).all()


def test_learning_twice_gives_the_same() -> None:
    assert np.array_equal(fitted().weights, fitted().weights)


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="class"):
        learn(["a b", "a b c"] * 5, np.zeros(10, np.bool_))
