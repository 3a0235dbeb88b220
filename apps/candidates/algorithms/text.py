"""Words as vectors (spec §3.2, §3.4): TF-IDF and latent semantic analysis, kept as plain arrays."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from apps.candidates.algorithms.svd import truncated_svd

Tokens = Sequence[str]
_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]{2,}")  # Thai, kana, Han


def words(text: str) -> list[str]:
    """Return the words of a text in small letters; scripts without spaces give pairs of letters."""
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        if _UNSPACED.search(word):
            found += [word[i : i + 2] for i in range(len(word) - 1)]
        else:
            found.append(word)
    return found


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms with their inverse document frequencies, and the plane that they are projected on."""

    place: dict[str, int]
    idf: NDArray[np.float32]  # [t]
    basis: NDArray[np.float32]  # [t, d]

    @property
    def width(self) -> int:
        """D."""
        return self.basis.shape[1]

    def weigh(self, documents: Sequence[Tokens]) -> sp.csr_matrix:
        """Return TF-IDF, float32[n, t], rows of length 1: (1 + ln count) · idf.

        Terms that were not known at the fit are passed over.
        """
        columns: list[int] = []
        values: list[float] = []
        starts = [0]
        for document in documents:
            known = Counter(self.place[term] for term in document if term in self.place)
            columns += known.keys()
            values += known.values()
            starts.append(len(columns))
        at = np.array(columns, np.int64)
        rows = np.repeat(np.arange(len(documents)), np.diff(starts))
        weights = (1 + np.log(np.array(values, np.float64))) * self.idf[at]
        lengths = np.sqrt(np.bincount(rows, weights**2, len(documents)))
        cells = ((weights / lengths[rows]).astype(np.float32), at, np.array(starts))
        return sp.csr_matrix(cells, shape=(len(documents), len(self.idf)))

    def project(self, documents: Sequence[Tokens]) -> NDArray[np.float32]:
        """Return float32[n, d]: documents with like words lie near each other, empty ones at 0."""
        return np.asarray(self.weigh(documents) @ self.basis, np.float32)


def fit_terms(
    documents: Sequence[Tokens],
    width: int,
    rng: np.random.Generator,
    *,
    most_terms: int = 20_000,
    least_documents: int = 2,
) -> Terms:
    """Learn the terms in most documents and the plane of `width` dimensions that holds most.

    idf = ln((1 + n)/(1 + df)) + 1.
    """
    kept = frequent_terms(documents, most_terms, least_documents)
    df = np.array([df for _, df in kept], np.float64)
    idf = (np.log((1 + len(documents)) / (1 + df)) + 1).astype(np.float32)
    place = {term: at for at, (term, _) in enumerate(kept)}
    flat = Terms(place, idf, np.zeros((len(kept), 0), np.float32))
    _, _, right = truncated_svd(flat.weigh(documents), width, rng)
    return Terms(place, idf, np.ascontiguousarray(right.T))


def frequent_terms(
    documents: Sequence[Tokens], most_terms: int, least_documents: int
) -> list[tuple[str, int]]:
    """Return the terms in most documents and in how many each is, most first, ties by name."""
    frequency = Counter(term for document in documents for term in set(document))
    ordered = sorted(frequency.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(term, df) for term, df in ordered[:most_terms] if df >= least_documents]


def hashed(keys: Iterable[int], width: int) -> NDArray[np.float32]:
    """Return a vector of ±1 for each key, all 0 for a key < 0: equal keys are alike, others not.

    The cosine of two different keys is 0 ± 1/√width. float32[n, width].
    """
    key = np.fromiter(keys, np.int64)
    bits = mixed(key[:, None] * 1024 + np.arange(width)) >> np.uint64(63)
    signs = np.where(bits == 1, np.float32(1), np.float32(-1))
    return np.where(key[:, None] >= 0, signs, np.float32(0))


def mixed(keys: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return well-mixed bits of each key (splitmix64)."""
    with np.errstate(over="ignore"):
        z = keys.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
