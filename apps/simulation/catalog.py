"""Make creators and contents: who uploads, about what, how good, how long, in which words."""

from __future__ import annotations

from itertools import product

import numpy as np

from apps.simulation.arrays import Floats, Ints
from apps.simulation.topics import TOPICS
from apps.simulation.types import DAY_MS, Contents, Creators, WorldParams
from apps.simulation.vocabulary import (
    ARTISTS,
    FRAMES,
    GENERAL_TAGS,
    LANGUAGES,
    NAMES,
    SEQUELS,
    SONG_FIRST,
    SONG_SECOND,
    Topic,
)

_LANGUAGE_SHARES = (0.60, 0.22, 0.18)  # of creators, in the order of LANGUAGES
_MEDIAN_SECONDS = 19.0
_SECONDS_SPREAD = 0.75  # log standard deviation of durations
_ORIGINAL_SOUND_SHARE = 0.3  # of contents


def zipf_weights(n: int, exponent: float) -> Floats:
    """Return shares proportional to 1 / rank^exponent, float64[n], summing to 1."""
    weights = np.arange(1, n + 1, dtype=np.float64) ** -exponent
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def make_creators(params: WorldParams, rng: np.random.Generator) -> Creators:
    """Make creators with a language, one or two home topics and a handle that says so."""
    n = params.n_creators
    language = rng.choice(len(LANGUAGES), n, p=_LANGUAGE_SHARES)
    shares = rng.permutation(zipf_weights(params.n_topics, 0.5))
    main = rng.choice(params.n_topics, n, p=shares)
    main[: params.n_topics] = np.arange(params.n_topics)[:n]  # no topic without a creator
    other = (main + rng.integers(1, params.n_topics, n)) % params.n_topics
    people = _people(language, main, rng)
    return Creators(
        id=tuple(f"c_{name}_{TOPICS[topic].handle}" for name, topic in people),
        name=tuple(f"{name.capitalize()} {TOPICS[topic].title}" for name, topic in people),
        topics=np.stack([np.array([topic for _, topic in people]), other], axis=1),
        language=language,
        quality=rng.standard_normal(n),
        productivity=rng.permutation(zipf_weights(n, 0.6)),
    )


def make_contents(params: WorldParams, creators: Creators, rng: np.random.Generator) -> Contents:
    """Make contents in order of upload: an archive, then those born within the window."""
    n = params.n_contents
    creator = rng.choice(params.n_creators, n, p=creators.productivity)
    mixture = _topic_mixtures(params, creators.topics[creator], rng)
    category = mixture.argmax(axis=1)
    language = creators.language[creator]
    seconds = np.exp(np.log(_MEDIAN_SECONDS) + _SECONDS_SPREAD * rng.standard_normal(n))
    return Contents(
        id=tuple(f"v_{TOPICS[topic].name}_{row:05d}" for row, topic in enumerate(category)),
        description=_descriptions(category, language, rng),
        tags=_tags(mixture, rng),
        creator=creator,
        topics=mixture,
        category=category,
        language=language,
        sound=_sounds(params, creator, rng),
        quality=0.5 * creators.quality[creator] + 0.87 * rng.standard_normal(n),
        duration_seconds=np.round(np.clip(seconds, 5.0, 180.0), 1),
        uploaded_ms=_upload_times(params, rng),
    )


def make_sounds(params: WorldParams, creators: Creators) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return ids and titles of all songs, the most used first, then of the original sounds."""
    words = list(product(SONG_FIRST, SONG_SECOND))
    order = np.random.default_rng(params.seed).permutation(len(words))
    ids, titles = [], []
    for song in range(params.n_songs):
        first, second = words[order[song % len(words)]]
        ids.append(f"s_{first}_{second}_{song:03d}".lower())
        titles.append(f"{first} {second} – {ARTISTS[song % len(ARTISTS)]}")
    ids += [f"s_original_{creator[2:]}" for creator in creators.id]
    titles += [f"Original sound – {name}" for name in creators.name]
    return tuple(ids), tuple(titles)


def _people(language: Ints, topic: Ints, rng: np.random.Generator) -> list[tuple[str, int]]:
    """Name creators; when a topic has run out of names, the creator moves to the next topic."""
    free = {
        (code, t): list(rng.permutation(NAMES[code]))
        for code in LANGUAGES
        for t in range(int(topic.max()) + 1)
    }
    people = []
    for code, wanted in zip((LANGUAGES[i] for i in language), topic.tolist(), strict=True):
        offsets = ((wanted + step) % (int(topic.max()) + 1) for step in range(len(TOPICS)))
        chosen = next((t for t in offsets if free[code, t]), None)
        if chosen is None:
            raise ValueError(f"no names left for creators who speak {code!r}; use fewer creators")
        people.append((str(free[code, chosen].pop()), chosen))
    return people


def _topic_mixtures(params: WorldParams, home: Ints, rng: np.random.Generator) -> Floats:
    """Mix 60–95 % of a main topic (mostly the creator's) with a second one, float64[n, t]."""
    n = len(home)
    strays = rng.random(n) < 0.08
    pick = (rng.random(n) < 0.25).astype(np.int64)
    rows = np.arange(n)
    main = np.where(strays, rng.integers(0, params.n_topics, n), home[rows, pick])
    second = np.where(
        rng.random(n) < 0.5, home[rows, 1 - pick], rng.integers(0, params.n_topics, n)
    )
    weight = rng.uniform(0.6, 0.95, n)
    mixture = np.zeros((n, params.n_topics))
    mixture[rows, main] = weight
    mixture[rows, second] += 1.0 - weight
    return mixture


def _upload_times(params: WorldParams, rng: np.random.Generator) -> Ints:
    n_old = round(params.archive_share * params.n_contents)
    days = np.concatenate(
        [
            -rng.uniform(0.0, params.archive_days, n_old),
            rng.uniform(0.0, params.n_days, params.n_contents - n_old),
        ]
    )
    return np.sort(params.start_ms + (days * DAY_MS).astype(np.int64))


def _sounds(params: WorldParams, creator: Ints, rng: np.random.Generator) -> Ints:
    songs = rng.choice(params.n_songs, len(creator), p=zipf_weights(params.n_songs, 1.0))
    is_original = rng.random(len(creator)) < _ORIGINAL_SOUND_SHARE
    return np.where(is_original, params.n_songs + creator, songs)


def _tags(mixture: Floats, rng: np.random.Generator) -> tuple[tuple[str, ...], ...]:
    """Give each content 2–3 tags of its main topic, one of its second, up to two general ones."""
    by_weight = np.argsort(-mixture, axis=1)[:, :2]
    has_second = (mixture > 0).sum(axis=1) > 1
    n_main, n_general = rng.integers(2, 4, len(mixture)), rng.integers(0, 3, len(mixture))
    main_order = rng.random((len(mixture), 6)).argsort(axis=1)
    second_pick = rng.integers(0, 6, len(mixture))
    general_order = rng.random((len(mixture), len(GENERAL_TAGS))).argsort(axis=1)
    tags = []
    for row, (main, second) in enumerate(by_weight):
        chosen = [TOPICS[main].tags[i] for i in main_order[row, : n_main[row]]]
        if has_second[row]:
            chosen.append(TOPICS[second].tags[second_pick[row]])
        chosen += [GENERAL_TAGS[i] for i in general_order[row, : n_general[row]]]
        tags.append(tuple(chosen))
    return tuple(tags)


def _descriptions(category: Ints, language: Ints, rng: np.random.Generator) -> tuple[str, ...]:
    """Word each content; no two are the same, used up wordings come back as a sequel."""
    lines: dict[tuple[int, int], list[str]] = {}
    used: dict[tuple[int, int], int] = {}
    descriptions = []
    for key in zip(category.tolist(), language.tolist(), strict=True):
        code = LANGUAGES[key[1]]
        if key not in lines:
            lines[key] = [str(line) for line in rng.permutation(_lines(TOPICS[key[0]], code))]
        part, line = divmod(used.get(key, 0), len(lines[key]))
        used[key] = used.get(key, 0) + 1
        text = lines[key][line]
        descriptions.append(SEQUELS[code].format(text, part + 1) if part else text)
    return tuple(descriptions)


def _lines(topic: Topic, code: str) -> list[str]:
    if code == "es":
        stems = list(topic.es)
    elif code == "de":
        stems = list(topic.de)
    else:
        stems = [line.format(x=thing) for line, thing in product(topic.en, topic.objects)]
    framed = [frame.format(stem) for stem, frame in product(stems, FRAMES[code])]
    return [_tidy(line) for line in framed]


def _tidy(line: str) -> str:
    return (line[0].upper() + line[1:]).replace("?.", "?")
