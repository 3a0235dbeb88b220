"""Words, TF-IDF and its projection, beside what scikit-learn and NumPy give."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from apps.candidates.algorithms.blocks import join, unit_rows
from apps.candidates.algorithms.svd import truncated_svd
from apps.candidates.algorithms.text import fit_terms, hashed, words

TEXTS = [
    "Cooking pasta with the best sauce, pasta pasta",
    "The best goal of the season",
    "Goal! What a season for the team",
    "Pasta sauce in ten minutes",
    "",
    "nothing in common",
]


class TestWords:
    def test_words_are_taken_in_small_letters(self) -> None:
        assert words("Straße, #Goal2 & naïve") == ["straße", "goal2", "naïve"]

    def test_scripts_without_spaces_give_pairs_of_letters(self) -> None:
        assert words("今天天气 ok") == ["今天", "天天", "天气", "ok"]


class TestTerms:
    def test_is_what_scikit_learn_gives(self) -> None:
        documents = [words(text) for text in TEXTS]
        terms = fit_terms(documents, 3, np.random.default_rng(0))
        theirs = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w+", min_df=2)
        expected = theirs.fit_transform(TEXTS).toarray()
        assert set(terms.place) == set(theirs.vocabulary_)
        mine = terms.weigh(documents).toarray()
        for term, column in theirs.vocabulary_.items():
            np.testing.assert_allclose(mine[:, terms.place[term]], expected[:, column], atol=1e-6)

    def test_full_width_keeps_all_cosines(self) -> None:
        documents = [words(text) for text in TEXTS]
        terms = fit_terms(documents, 50, np.random.default_rng(0))
        weights, projected = terms.weigh(documents).toarray(), terms.project(documents)
        np.testing.assert_allclose(projected @ projected.T, weights @ weights.T, atol=1e-5)

    def test_new_document_with_known_words_lies_near_its_like(self) -> None:
        terms = fit_terms([words(text) for text in TEXTS], 3, np.random.default_rng(0))
        made = unit_rows(terms.project([words("PASTA and unheard-of sauce"), *map(words, TEXTS)]))
        assert (made[1:] @ made[0]).argmax() in {0, 3}

    def test_unknown_words_and_empty_documents_are_zero(self) -> None:
        terms = fit_terms([words(text) for text in TEXTS], 3, np.random.default_rng(0))
        assert not terms.project([["unheard"], []]).any()

    def test_most_frequent_terms_are_kept(self) -> None:
        terms = fit_terms(
            [["a", "b"], ["a", "b"], ["a"]], 2, np.random.default_rng(0), most_terms=1
        )
        assert terms.place == {"a": 0}

    def test_no_documents_give_no_plane(self) -> None:
        terms = fit_terms([], 3, np.random.default_rng(0))
        assert terms.project([["a"], []]).shape == (2, 0)


class TestHashed:
    def test_equal_keys_are_alike_and_others_are_not(self) -> None:
        vectors = unit_rows(hashed([3, 900, 3, *range(1000, 1400)], 32))
        assert vectors[0] @ vectors[2] == pytest.approx(1)
        products = (vectors[3:] @ vectors[3:].T)[np.triu_indices(400, 1)]
        # of 80,000 pairs: mean 0 ± .0006, deviation 1/√32
        assert abs(products.mean()) < 0.003
        assert products.std() == pytest.approx(32**-0.5, rel=0.02)

    def test_no_key_is_no_vector(self) -> None:
        assert not hashed([-1], 8).any()


class TestSvd:
    @pytest.mark.parametrize("shape", [(60, 40), (40, 60), (3, 50), (1, 1)])
    def test_gives_what_the_full_one_gives(self, shape: tuple[int, int]) -> None:
        rng = np.random.default_rng(1)
        low_rank = rng.normal(size=(shape[0], 5)) @ rng.normal(size=(5, shape[1]))
        matrix = (low_rank + 0.01 * rng.normal(size=shape)).astype(np.float32)
        left, values, right = truncated_svd(matrix, 4, rng)
        expected = np.linalg.svd(matrix)[1][:4]
        np.testing.assert_allclose(values, expected[: len(values)], rtol=1e-4)
        rank = len(values)
        np.testing.assert_allclose(left.T @ left, np.eye(rank), atol=1e-4)
        np.testing.assert_allclose(right @ matrix.T, values[:, None] * left.T, atol=1e-2)

    def test_empty_matrix_has_nothing(self) -> None:
        left, values, right = truncated_svd(
            np.zeros((3, 0), np.float32), 4, np.random.default_rng(0)
        )
        assert (left.shape, values.shape, right.shape) == ((3, 0), (0,), (0, 0))


class TestJoin:
    WEIGHTS = {"sound": 1.0, "text": 3.0}

    def blocks(self) -> dict[str, np.ndarray]:
        rng = np.random.default_rng(0)
        made = {"text": rng.normal(size=(6, 5)), "sound": 100 * rng.normal(size=(6, 3))}
        made = {name: unit_rows(block.astype(np.float32)) for name, block in made.items()}
        made["sound"][3:] = 0  # missing
        return made

    def test_product_is_the_weighted_mean_of_the_cosines(self) -> None:
        blocks = self.blocks()
        joined = join(blocks, self.WEIGHTS)
        cosines = {name: block @ block.T for name, block in blocks.items()}
        expected = (3 * cosines["text"] + cosines["sound"]) / 4
        np.testing.assert_allclose((joined @ joined.T)[:3, :3], expected[:3, :3], atol=1e-6)

    def test_missing_block_is_left_out_not_averaged_in(self) -> None:
        blocks = self.blocks()
        joined = join(blocks, self.WEIGHTS)
        text = blocks["text"] @ blocks["text"].T
        np.testing.assert_allclose((joined @ joined.T)[3:, 3:], text[3:, 3:], atol=1e-6)
        # W_both/√(W_1·W_2) = 3/√(4·3)
        np.testing.assert_allclose((joined @ joined.T)[0, 4], text[0, 4] * 3 / 12**0.5, atol=1e-6)

    def test_content_without_any_block_is_zero(self) -> None:
        blocks = {name: np.zeros((1, 2), np.float32) for name in self.WEIGHTS}
        assert not join(blocks, self.WEIGHTS).any()
