"""Word vectors and sentences as their weighed means: the other way to read texts (spec §3.2).

Word2Vec's skip-gram with k negative samples factorizes the shifted matrix of pointwise mutual
informations implicitly (Levy and Goldberg 2014); here it is factorized itself, by SVD, which needs
no passes over the texts and gives the same each time. A text is the mean of its words' vectors,
frequent words weighed down (SIF; Arora, Liang and Ma 2017), without the component that all share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from apps.candidates.algorithms.svd import truncated_svd
from apps.candidates.algorithms.text import Terms, Tokens, frequent_terms

LEAST_TEXTS = 1000  # below it nobody can tell what all share: of two topics it would be one
_WINDOW = 8  # words to each side
_SMOOTHING = 0.75  # power of the context's frequency (Mikolov et al. 2013)
_NEGATIVE = 1.0  # k of negative sampling; its logarithm is the shift
_OWN = 0.25  # how often a word is in its own company where it stands
_RARE = 1e-3  # a of a/(a + p)


def fit_word_terms(
    documents: Sequence[Tokens],
    width: int,
    rng: np.random.Generator,
    *,
    most_terms: int = 20_000,
    least_documents: int = 2,
) -> Terms:
    """Learn vectors of words and how much each says, in the shape of TF-IDF and its plane.

    `Terms.idf` holds a/(a + p(w)), and `Terms.basis` the vectors, float32[t, width], without their
    common component. O(words · window + nonzero · width).
    """
    kept = frequent_terms(documents, most_terms, least_documents)
    place = {term: at for at, (term, _) in enumerate(kept)}
    numbered = [[place[term] for term in document if term in place] for document in documents]
    counts = np.bincount([at for row in numbered for at in row], minlength=len(place))
    share = counts / max(int(counts.sum()), 1)
    weights = (_RARE / (_RARE + share)).astype(np.float32)
    left, values, _ = truncated_svd(positive_pmi(numbered, len(place)), width, rng)
    vectors = left * np.sqrt(values)  # half of the spectrum to words, half to contexts
    terms = Terms(place, weights, np.ascontiguousarray(vectors, np.float32))
    _, _, common = truncated_svd(terms.project(documents), min(1, width), rng)
    basis = terms.basis - (terms.basis @ common.T) @ common
    return replace(terms, basis=np.asarray(basis, np.float32))


def positive_pmi(documents: Sequence[Sequence[int]], n_terms: int) -> sp.csr_matrix:
    """Return max(0, ln(n(w, c)·N/(n(w)·n(c)^¾·Z)) − ln k) of words within a window, float32[t, t].

    Z is such that the smoothed frequencies of contexts add up to N.
    """
    words: list[NDArray[np.int64]] = []
    contexts: list[NDArray[np.int64]] = []
    flat = np.array([at for document in documents for at in document], np.int64)
    owner = np.repeat(np.arange(len(documents)), [len(document) for document in documents])
    for step in range(1, min(_WINDOW, len(flat) - 1) + 1):
        together = owner[:-step] == owner[step:]
        words.append(flat[:-step][together])
        contexts.append(flat[step:][together])
    one, other = (np.concatenate([np.empty(0, np.int64), *parts]) for parts in (words, contexts))
    # In its own company: else words that all stand in one company were one, and a word alone none.
    own = np.arange(n_terms), np.bincount(flat, minlength=n_terms) * _OWN
    values = np.concatenate([np.ones(2 * len(one)), own[1]])
    both = np.concatenate([one, other, own[0]]), np.concatenate([other, one, own[0]])
    counts = sp.coo_matrix((values, both), shape=(n_terms, n_terms)).tocsr()  # repeats are summed
    of_word = np.asarray(counts.sum(axis=1)).ravel()
    of_context = of_word**_SMOOTHING
    of_context *= of_word.sum() / max(of_context.sum(), 1e-12)
    cells = counts.tocoo()
    expected = of_word[cells.row] * of_context[cells.col] / max(of_word.sum(), 1e-12)
    pmi = np.log(cells.data / expected) - np.log(_NEGATIVE)
    kept = pmi > 0
    at = (cells.row[kept], cells.col[kept])
    return sp.csr_matrix((pmi[kept].astype(np.float32), at), shape=(n_terms, n_terms))
