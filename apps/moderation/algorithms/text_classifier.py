"""Which texts are of one bad category: TF-IDF of words and letters, and a linear model.

Everything that is learned is arrays and words: it is stored without pickle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from apps.moderation.algorithms.normalize import normalize
from apps.moderation.algorithms.zones import NEVER, Zones, calibrate

if TYPE_CHECKING:  # scikit-learn takes a second to import: whoever scores nothing need not wait
    from sklearn.feature_extraction.text import TfidfVectorizer

_KINDS = {
    # "word" by blanks: signs within a word say something.
    "word": {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\S+", "min_df": 2},
    "letters": {"analyzer": "char_wb", "ngram_range": (2, 5), "min_df": 4},
}
_MOST_TERMS = 50_000  # of each kind
_STRENGTH = 4.0  # C of the logistic regression


@dataclass(frozen=True)
class TextClassifier:
    """Scores texts of one category; higher is worse."""

    words: list[str]
    letters: list[str]  # runs of 2–5 characters within words
    idf: NDArray[np.float64]  # [w + l], words first
    weights: NDArray[np.float64]  # [w + l]
    bias: float
    slope: float  # of the calibration on texts that were not fitted on
    shift: float
    zones: Zones

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the calibrated probability of each text, float64[n] in (0, 1).

        σ(slope · (w·x + bias) + shift) with x the TF-IDF of the normalized text (Platt 1999).
        """
        return self.probabilities(self.margins(texts))

    def margins(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return w·x + bias of each text, float64[n]."""
        return np.asarray(self._weighed(texts) @ self.weights + self.bias)

    def probabilities(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the calibrated probabilities of margins, float64[n] in (0, 1)."""
        return np.asarray(1 / (1 + np.exp(-(self.slope * margins + self.shift))))

    def grounds(self, text: str, *, most: int = 5) -> list[tuple[str, float]]:
        """Return the terms that speak most for the category with what each adds, most first.

        Words where there are any, else runs of letters.
        """
        x = self._weighed([text]).tocsr()
        added = x.data * self.weights[x.indices] * self.slope
        terms = self.words + self.letters
        found = [(terms[i], float(a), i) for i, a in zip(x.indices, added, strict=True) if a > 0]
        of_words = [row for row in found if row[2] < len(self.words)]
        ranked = sorted(of_words or found, key=lambda row: (-row[1], row[0]))
        return [(term, round(value, 2)) for term, value, _ in ranked[:most]]

    def _weighed(self, texts: Sequence[str]) -> sp.csr_matrix:
        plain = [normalize(text) for text in texts]
        return sp.hstack([part.transform(plain) for part in self._vectorizers], format="csr")

    @cached_property
    def _vectorizers(self) -> list[TfidfVectorizer]:
        made = []
        parts = {"word": (self.words, 0), "letters": (self.letters, len(self.words))}
        for kind, (terms, start) in parts.items():
            vectorizer = _vectorizer(kind, vocabulary={term: i for i, term in enumerate(terms)})
            vectorizer.idf_ = self.idf[start : start + len(terms)]
            made.append(vectorizer)
        return made


def learn(texts: Sequence[str], is_bad: NDArray[np.bool_]) -> TextClassifier:
    """Learn from texts[n]; the score is not calibrated and nothing is flagged yet.

    Classes weigh the same whatever their numbers: how often a platform meets the category is not
    what a corpus says. Raises ValueError where a class is missing.
    """
    from sklearn.linear_model import LogisticRegression

    plain = [normalize(text) for text in texts]
    parts = [_vectorizer(kind) for kind in _KINDS]
    x = sp.hstack([part.fit_transform(plain) for part in parts], format="csr")
    model = LogisticRegression(
        C=_STRENGTH, class_weight="balanced", solver="liblinear", random_state=0
    ).fit(x, is_bad)
    return TextClassifier(
        words=parts[0].get_feature_names_out().tolist(),
        letters=parts[1].get_feature_names_out().tolist(),
        idf=np.concatenate([part.idf_ for part in parts]),
        weights=model.coef_[0],
        bias=float(model.intercept_[0]),
        slope=1.0,
        shift=0.0,
        zones=Zones(NEVER, NEVER),
    )


def calibrated(
    draft: TextClassifier,
    margins: NDArray[np.float64],
    is_bad: NDArray[np.bool_],
    is_certain: NDArray[np.bool_],
) -> TextClassifier:
    """Return the classifier with scores that are probabilities, and with its zones.

    margins: float64[m] of texts by a model that did not learn from them; is_certain bool[m]: the
    label is beyond doubt.
    """
    from sklearn.linear_model import LogisticRegression

    line = LogisticRegression(C=1e3).fit(margins[:, None], is_bad)
    made = replace(draft, slope=float(line.coef_[0, 0]), shift=float(line.intercept_[0]))
    return replace(made, zones=calibrate(made.probabilities(margins), is_bad, is_certain))


def _vectorizer(kind: str, vocabulary: dict[str, int] | None = None) -> TfidfVectorizer:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if vocabulary is not None:  # as it was fitted: nothing is left out any more
        given = {k: v for k, v in _KINDS[kind].items() if k != "min_df"}
        return TfidfVectorizer(**given, vocabulary=vocabulary, sublinear_tf=True, lowercase=False)
    return TfidfVectorizer(
        **_KINDS[kind], max_features=_MOST_TERMS, sublinear_tf=True, lowercase=False
    )
