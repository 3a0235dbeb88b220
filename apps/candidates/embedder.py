"""From what is known about contents to vectors: fitted at training, asked for every upload."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.candidates.algorithms.blocks import Blocks, unit_rows
from apps.candidates.algorithms.svd import truncated_svd
from apps.candidates.algorithms.text import Terms, fit_terms, hashed, words
from apps.candidates.algorithms.word_vectors import LEAST_TEXTS, fit_word_terms
from apps.candidates.conf import ContentParams
from apps.content.selectors import Described

Known = Sequence[Described | None]
Describe = Callable[[NDArray[np.int64]], Iterable[Known]]  # of database keys, in chunks
BLOCKS = ("text", "tags", "sound", "visual", "audio")
FITTED_ON = 50_000  # contents at most; the vectors of all are made with what is learned from them
_MEASURED_FITTED_ON = 4000
_TERMS = ("text", "tags")
_MEASURED = ("visual", "audio")  # blocks of numbers that come with a content
_FACTS = "embedder.json"


@dataclass(frozen=True, slots=True)
class Plane:
    """The principal components of measured features."""

    mean: NDArray[np.float32]  # [v]
    basis: NDArray[np.float32]  # [v, d]

    def project(self, features: Sequence[list[float]]) -> NDArray[np.float32]:
        """Project the features that have the usual length; others are of another kind: 0."""
        projected = np.zeros((len(features), self.basis.shape[1]), np.float32)
        fits = [i for i, one in enumerate(features) if len(one) == len(self.mean)]
        if fits and len(self.mean):
            rows = np.array([features[i] for i in fits], np.float32)
            projected[fits] = (rows - self.mean) @ self.basis
        return projected


@dataclass(frozen=True, slots=True)
class Embedder:
    """The fitted vocabulary and planes; what it has never heard of is passed over."""

    terms: dict[str, Terms]  # of `text` and `tags`
    sound_width: int
    planes: dict[str, Plane]  # of `visual` and `audio`
    comments_weight: float = 0.0  # of comments beside the description, in `text`

    def blocks(self, known: Known) -> Blocks:
        """Return each block float32[n, d], rows of length 1, or 0 where nothing is known."""
        return {
            "text": unit_rows(self._read(known)),
            "tags": unit_rows(self.terms["tags"].project([_tags(one) for one in known])),
            "sound": unit_rows(hashed((_sound(one) for one in known), self.sound_width)),
            **{
                name: unit_rows(plane.project([_measured(one, name) for one in known]))
                for name, plane in self.planes.items()
            },
        }

    def _read(self, known: Known) -> NDArray[np.float32]:
        """Return what is said by and about contents, float32[n, d].

        All comments of a content are one document, which counts as a share of its description: a
        crowd cannot outvote what the creator says.
        """
        terms = self.terms["text"]
        said = terms.project([_text(one) for one in known])
        if not self.comments_weight:
            return said
        return said + self.comments_weight * terms.project([_comments(one) for one in known])

    def all_blocks(self, content_pks: NDArray[np.int64], describe: Describe) -> Blocks:
        """Return the blocks of many contents, which are read a chunk at a time."""
        widths = {name: block.shape[1] for name, block in self.blocks([]).items()}
        made = {name: np.zeros((len(content_pks), w), np.float32) for name, w in widths.items()}
        start = 0
        for known in describe(content_pks):
            for name, block in self.blocks(known).items():
                made[name][start : start + len(known)] = block
            start += len(known)
        return made

    def save(self, folder: Path) -> None:
        """Write arrays and the vocabulary."""
        facts: dict[str, object] = {
            "sound_width": self.sound_width,
            "comments_weight": self.comments_weight,
        }
        for name, terms in self.terms.items():
            np.save(folder / f"embedder_{name}_idf.npy", terms.idf)
            np.save(folder / f"embedder_{name}_basis.npy", terms.basis)
            facts[name] = list(terms.place)
        for name, plane in self.planes.items():
            np.save(folder / f"embedder_{name}_mean.npy", plane.mean)
            np.save(folder / f"embedder_{name}_basis.npy", plane.basis)
        (folder / _FACTS).write_text(json.dumps(facts))


def load_embedder(folder: Path) -> Embedder:
    """Read what `Embedder.save` wrote."""

    def array(name: str) -> NDArray[np.float32]:
        return np.load(folder / f"embedder_{name}.npy", allow_pickle=False)

    facts = json.loads((folder / _FACTS).read_text())
    terms = {
        name: Terms(
            {term: at for at, term in enumerate(facts[name])},
            array(f"{name}_idf"),
            array(f"{name}_basis"),
        )
        for name in _TERMS
    }
    planes = {
        name: Plane(array(f"{name}_mean"), array(f"{name}_basis"))
        for name in _MEASURED
        if (folder / f"embedder_{name}_mean.npy").exists()  # not of before there was audio
    }
    return Embedder(terms, facts["sound_width"], planes, facts.get("comments_weight", 0.0))


def fit_embedder(
    content_pks: NDArray[np.int64], describe: Describe, params: ContentParams, *, seed: int
) -> Embedder:
    """Learn the vocabulary, its planes and those of the measured features from a sample."""
    rng = np.random.default_rng(seed)
    if len(content_pks) > FITTED_ON:
        content_pks = np.sort(rng.choice(content_pks, FITTED_ON, replace=False))
    texts: list[list[str]] = []
    tags: list[list[str]] = []
    measured: dict[str, list[NDArray[np.float32]]] = {name: [] for name in _MEASURED}
    with_sound = False
    for known in describe(content_pks):
        texts += [_text(one) for one in known]
        # Comments share the plane of the descriptions: their words mean what they mean there.
        texts += [tokens for one in known if (tokens := _comments(one))]
        tags += [_tags(one) for one in known]
        with_sound = with_sound or any(_sound(one) >= 0 for one in known)
        for name, kept in measured.items():
            said = [features for one in known if (features := _measured(one, name))]
            room = _MEASURED_FITTED_ON - len(kept)
            kept += [np.array(features, np.float32) for features in said[:room]]
    are_words = params.text == "words" and len(texts) >= LEAST_TEXTS
    read = fit_word_terms if are_words else fit_terms
    return Embedder(
        {
            "text": read(texts, params.text_width, rng),
            "tags": fit_terms(tags, params.tags_width, rng, least_documents=1),
        },
        params.sound_width if with_sound else 0,
        {
            "visual": _fit_plane(measured["visual"], params.visual_width, rng),
            # Decibels and deviations have scales of their own.
            "audio": _fit_plane(measured["audio"], params.audio_width, rng, is_scaled=True),
        },
        params.comments_weight,
    )


def _fit_plane(
    features: list[NDArray[np.float32]],
    width: int,
    rng: np.random.Generator,
    *,
    is_scaled: bool = False,
) -> Plane:
    """Return mean [v] and principal components [v, d] of features of the most usual length.

    `is_scaled`: each feature counts by its own deviation, which goes into the basis.
    """
    if not features:
        return Plane(np.zeros(0, np.float32), np.zeros((0, 0), np.float32))
    lengths, counts = np.unique([len(one) for one in features], return_counts=True)
    usual = int(lengths[counts.argmax()])
    sample = np.stack([one for one in features if len(one) == usual])
    mean = sample.mean(axis=0)
    scale = np.maximum(sample.std(axis=0), 1e-6) if is_scaled else np.ones(usual, np.float32)
    _, _, right = truncated_svd((sample - mean) / scale, width, rng)
    return Plane(mean, np.ascontiguousarray(right.T / scale[:, None]))


def _text(one: Described | None) -> list[str]:
    if one is None:
        return []
    return words(one.description) + [word for tag in one.tags for word in words(tag)]


def _comments(one: Described | None) -> list[str]:
    return [] if one is None else [word for text in one.comments for word in words(text)]


def _tags(one: Described | None) -> list[str]:
    if one is None:
        return []
    named = {f"#{tag.lower()}" for tag in one.tags}  # a tag may have the name of a category
    return sorted(named) + ([one.category.lower()] if one.category else [])


def _sound(one: Described | None) -> int:
    return -1 if one is None or one.sound_pk is None else one.sound_pk


def _measured(one: Described | None, name: str) -> list[float]:
    if one is None:
        return []
    return (one.visual_features if name == "visual" else one.audio_features) or []
