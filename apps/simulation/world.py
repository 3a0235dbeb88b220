"""Build the synthetic world from its parameters."""

from __future__ import annotations

import numpy as np

from apps.simulation.arrays import Floats
from apps.simulation.catalog import make_contents, make_creators, make_sounds
from apps.simulation.laws import Laws
from apps.simulation.population import make_viewers
from apps.simulation.topics import TOPICS
from apps.simulation.types import World, WorldParams
from apps.simulation.vocabulary import LANGUAGES

__all__ = ["World", "WorldParams", "build_world"]

_FOREIGN = 1.0
_SCHOOL_ENGLISH = 0.4  # English is half understood by those who speak something else


def build_world(params: WorldParams, *, laws: Laws | None = None) -> World:
    """Build the world; equal parameters give byte-equal arrays and equal texts.

    Each part draws from its own generator, so that more viewers leave the contents as they are.
    """
    if not 4 <= params.n_topics <= len(TOPICS):
        raise ValueError(f"n_topics is {params.n_topics}, expected 4 … {len(TOPICS)}")
    seeds = np.random.SeedSequence(params.seed).spawn(3)
    creator_rng, content_rng, viewer_rng = (np.random.default_rng(seed) for seed in seeds)
    creators = make_creators(params, creator_rng)
    sound_ids, sound_titles = make_sounds(params, creators)
    return World(
        params=params,
        topics=tuple(topic.name for topic in TOPICS[: params.n_topics]),
        creators=creators,
        contents=make_contents(params, creators, content_rng),
        viewers=make_viewers(params, creators, viewer_rng),
        sound_ids=sound_ids,
        sound_titles=sound_titles,
        language_gap=_language_gap(),
        laws=laws or Laws(),
    )


def _language_gap() -> Floats:
    gap = np.full((len(LANGUAGES), len(LANGUAGES)), _FOREIGN)
    gap[:, LANGUAGES.index("en")] = _SCHOOL_ENGLISH
    np.fill_diagonal(gap, 0.0)
    return gap
