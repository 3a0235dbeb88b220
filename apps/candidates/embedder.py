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
from apps.candidates.conf import ContentParams
from apps.content.selectors import Described

Known = Sequence[Described | None]
Describe = Callable[[NDArray[np.int64]], Iterable[Known]]  # of database keys, in chunks
BLOCKS = ("text", "tags", "sound", "visual")
FITTED_ON = 50_000  # contents at most; the vectors of all are made with what is learned from them
_VISUAL_FITTED_ON = 4000
_TERMS = ("text", "tags")
_FACTS = "embedder.json"


@dataclass(frozen=True, slots=True)
class Embedder:
    """The fitted vocabulary and planes; what it has never heard of is passed over."""

    terms: dict[str, Terms]  # of `text` and `tags`
    sound_width: int
    visual_mean: NDArray[np.float32]  # [v]
    visual_basis: NDArray[np.float32]  # [v, d]

    def blocks(self, known: Known) -> Blocks:
        """Return each block float32[n, d], rows of length 1, or 0 where nothing is known."""
        return {
            "text": unit_rows(self.terms["text"].project([_text(one) for one in known])),
            "tags": unit_rows(self.terms["tags"].project([_tags(one) for one in known])),
            "sound": unit_rows(hashed((_sound(one) for one in known), self.sound_width)),
            "visual": unit_rows(self._visual(known)),
        }

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

    def _visual(self, known: Known) -> NDArray[np.float32]:
        """Project the features that have the usual length; others are of another kind."""
        projected = np.zeros((len(known), self.visual_basis.shape[1]), np.float32)
        fits = [i for i, one in enumerate(known) if _n_visual(one) == len(self.visual_mean)]
        if fits and len(self.visual_mean):
            features = np.array([known[i].visual_features for i in fits], np.float32)  # type: ignore[union-attr]
            projected[fits] = (features - self.visual_mean) @ self.visual_basis
        return projected

    def save(self, folder: Path) -> None:
        """Write arrays and the vocabulary."""
        facts: dict[str, object] = {"sound_width": self.sound_width}
        for name, terms in self.terms.items():
            np.save(folder / f"embedder_{name}_idf.npy", terms.idf)
            np.save(folder / f"embedder_{name}_basis.npy", terms.basis)
            facts[name] = list(terms.place)
        np.save(folder / "embedder_visual_mean.npy", self.visual_mean)
        np.save(folder / "embedder_visual_basis.npy", self.visual_basis)
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
    return Embedder(terms, facts["sound_width"], array("visual_mean"), array("visual_basis"))


def fit_embedder(
    content_pks: NDArray[np.int64], describe: Describe, params: ContentParams, *, seed: int
) -> Embedder:
    """Learn the vocabulary, its planes and the plane of the visual features from a sample."""
    rng = np.random.default_rng(seed)
    if len(content_pks) > FITTED_ON:
        content_pks = np.sort(rng.choice(content_pks, FITTED_ON, replace=False))
    texts: list[list[str]] = []
    tags: list[list[str]] = []
    visual: list[NDArray[np.float32]] = []
    with_sound = False
    for known in describe(content_pks):
        texts += [_text(one) for one in known]
        tags += [_tags(one) for one in known]
        with_sound = with_sound or any(_sound(one) >= 0 for one in known)
        for one in known:
            if _n_visual(one) and len(visual) < _VISUAL_FITTED_ON:
                visual.append(np.array(one.visual_features, np.float32))  # type: ignore[union-attr]
    mean, basis = _fit_visual(visual, params.visual_width, rng)
    return Embedder(
        {
            "text": fit_terms(texts, params.text_width, rng),
            "tags": fit_terms(tags, params.tags_width, rng, least_documents=1),
        },
        params.sound_width if with_sound else 0,
        mean,
        basis,
    )


def _fit_visual(
    visual: list[NDArray[np.float32]], width: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean [v] and principal components [v, d] of features of the most usual length."""
    if not visual:
        return np.zeros(0, np.float32), np.zeros((0, 0), np.float32)
    lengths, counts = np.unique([len(one) for one in visual], return_counts=True)
    usual = int(lengths[counts.argmax()])
    features = np.stack([one for one in visual if len(one) == usual])
    mean = features.mean(axis=0)
    _, _, right = truncated_svd(features - mean, width, rng)
    return mean, np.ascontiguousarray(right.T)


def _text(one: Described | None) -> list[str]:
    if one is None:
        return []
    return words(one.description) + [word for tag in one.tags for word in words(tag)]


def _tags(one: Described | None) -> list[str]:
    if one is None:
        return []
    named = {f"#{tag.lower()}" for tag in one.tags}  # a tag may have the name of a category
    return sorted(named) + ([one.category.lower()] if one.category else [])


def _sound(one: Described | None) -> int:
    return -1 if one is None or one.sound_pk is None else one.sound_pk


def _n_visual(one: Described | None) -> int:
    return 0 if one is None or not one.visual_features else len(one.visual_features)
