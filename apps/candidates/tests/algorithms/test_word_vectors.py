"""Word vectors: the informations by hand, and that what stands in like company is alike."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.candidates.algorithms.text import fit_terms
from apps.candidates.algorithms.word_vectors import LEAST_TEXTS, fit_word_terms, positive_pmi
from apps.candidates.conf import ContentParams
from apps.candidates.embedder import fit_embedder
from apps.content.selectors import Described

RNG = np.random.default_rng


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def test_informations_by_hand() -> None:
    # Pairs, both ways: 0–1 twice, 2–3 once; each word a quarter with itself where it stands.
    # n(0) = n(1) = 2 + ½, n(2) = n(3) = 1 + ¼, N = 7½.
    found = positive_pmi([[0, 1], [1, 0], [2, 3]], 4).toarray()

    # Smoothed contexts: n^¾, times Z so that they add up to N.
    z = 7.5 / (2 * 2.5**0.75 + 2 * 1.25**0.75)
    assert found[0, 1] == pytest.approx(np.log(2 * 7.5 / (2.5 * 2.5**0.75 * z)), rel=1e-5)
    assert found[3, 2] == pytest.approx(np.log(1 * 7.5 / (1.25 * 1.25**0.75 * z)), rel=1e-5)
    assert found[0, 0] == 0  # ln(½·7½/(2½·2½^¾·Z)) < 0
    assert found[0, 2] == 0


def test_pairs_do_not_cross_documents() -> None:
    assert positive_pmi([[0], [1], []], 2).toarray()[0, 1] == 0


def test_word_without_company_has_a_place_of_its_own() -> None:
    terms = fit_word_terms([["a"], ["b"], ["c"], ["c"]] * 5, 3, RNG(0))
    a, again, b = terms.project([["a"], ["a"], ["b"]])

    assert cosine(a, again) == pytest.approx(1)
    assert cosine(a, b) < 0.5


def test_words_in_like_company_are_alike_though_never_together() -> None:
    # "cat" and "kitten" never meet; TF-IDF's plane needs shared texts as well, a word's company
    # does not.
    company = {"cat": "purr milk fur", "kitten": "purr milk fur", "car": "road fuel wheel"}
    rng = RNG(0)
    texts = [
        [word, *rng.permutation(around.split())]
        for word, around in company.items()
        for _ in range(20)
    ]
    terms = fit_word_terms(texts, 3, RNG(1))
    cat, kitten, car = terms.project([["cat"], ["kitten"], ["car"]])

    assert cosine(cat, kitten) > 0.9
    assert cosine(cat, car) < 0.3


def test_words_that_all_stand_in_one_company_stay_apart() -> None:
    texts = [["made", "with", "recsys", f"w{i % 7}"] for i in range(1400)]
    terms = fit_word_terms(texts, 8, RNG(0))
    one, other = terms.project([texts[0], texts[1]])

    # What all texts share is taken away where there are many.
    assert cosine(one, other) < 0.5


def test_frequent_words_say_little() -> None:
    texts = [["the", f"w{i % 7}", "the", f"v{i % 7}"] for i in range(1400)]
    terms = fit_word_terms(texts, 6, RNG(0))

    assert terms.idf[terms.place["the"]] < 0.1 * terms.idf[terms.place["w1"]]
    same, other = terms.project([["the", "w1"], ["the", "v1"]]), terms.project([["the", "w2"]])
    assert cosine(same[0], same[1]) > cosine(same[0], other[0])


def test_it_is_the_same_each_time_and_shaped_like_the_other_way() -> None:
    texts = [["a", "b", "c"], ["a", "c"], ["b", "c"], []]
    one, two = (fit_word_terms(texts, 2, RNG(0)) for _ in range(2))

    np.testing.assert_array_equal(one.basis, two.basis)
    assert one.place == fit_terms(texts, 2, RNG(0)).place
    assert one.project([[], ["unknown"]]).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("texts", [[], [[]], [["alone"]]])
def test_nothing_to_learn_is_no_error(texts: list[list[str]]) -> None:
    terms = fit_word_terms(texts, 4, RNG(0))

    assert terms.project([["alone"]]).shape == (1, terms.width)


def test_few_texts_are_read_by_tf_idf_whatever_is_asked() -> None:
    def fitted(n: int, text: Literal["lsa", "words"]) -> NDArray[np.float32]:
        known = [Described(f"w{i % 9} v{i % 9} the", [], "", None, None) for i in range(n)]
        params = ContentParams(text=text)
        return fit_embedder(np.arange(n), lambda _: [known], params, seed=0).terms["text"].basis

    few = LEAST_TEXTS - 1
    np.testing.assert_array_equal(fitted(few, "words"), fitted(few, "lsa"))
    assert not np.array_equal(fitted(LEAST_TEXTS, "words"), fitted(LEAST_TEXTS, "lsa"))
