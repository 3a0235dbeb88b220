"""Make viewers: where they live, when they watch, what they like, whom they follow."""

from __future__ import annotations

import numpy as np

from apps.simulation.arrays import Bools, Floats, Ints
from apps.simulation.types import Creators, Viewers, WorldParams
from apps.simulation.vocabulary import AGE_GROUPS, DEVICES, LANGUAGES, PLACES

_AGE_SHARES = (0.10, 0.30, 0.27, 0.17, 0.10, 0.06)
_DEVICE_SHARES = (0.52, 0.36, 0.08, 0.04)
_LIKINGS = (1.0, 0.85, 0.7, 0.5)  # of the favorite topic, the second, …
_ACTIVITY = -0.7  # mean logit of opening the app on a day
_STATED_IS_TRUE = 0.55  # share of viewers whose stated topic is one they like

# When people watch: center of each habit, local hour, and its share of viewers.
_HABIT_HOURS = (7.5, 12.5, 18.0, 21.5, 23.5)
_HABIT_SHARES = (0.15, 0.15, 0.25, 0.33, 0.12)
_HABIT_SPREAD = 1.6  # hours, standard deviation
_ANY_HOUR_SHARE = 0.03  # of sessions, at any hour of the day


def make_viewers(params: WorldParams, creators: Creators, rng: np.random.Generator) -> Viewers:
    """Make viewers with 2–4 liked topics, a home clock, habits and a few followed creators."""
    n = params.n_viewers
    weights = np.array([place.weight for place in PLACES])
    place = rng.choice(len(PLACES), n, p=weights / weights.sum())
    home_language = np.array([LANGUAGES.index(p.language) for p in PLACES])
    offsets = np.array([p.utc_offset_minutes for p in PLACES], np.int16)
    language = np.where(rng.random(n) < 0.07, 0, home_language[place])
    taste = _tastes(params, rng)
    return Viewers(
        id=tuple(f"viewer_{number:04d}" for number in range(1, n + 1)),
        age_group=rng.choice(len(AGE_GROUPS), n, p=_AGE_SHARES),
        language=language,
        country=tuple(PLACES[i].country for i in place),
        utc_offset_minutes=offsets[place],
        device=rng.choice(len(DEVICES), n, p=_DEVICE_SHARES),
        taste=taste,
        stated_topic=_stated_topics(taste, rng),
        follows=_follows(taste, language, creators, rng),
        activity=rng.normal(_ACTIVITY, 1.0, n),
        hour_weights=_hour_weights(n, rng),
    )


def _tastes(params: WorldParams, rng: np.random.Generator) -> Floats:
    """Draw 2–4 liked topics a viewer, some topics more often than others, float64[v, t]."""
    n = params.n_viewers
    appeal = rng.normal(0.0, 0.5, params.n_topics)
    # Gumbel top-k: the first k of the noisy ranking are k topics drawn without replacement.
    ranking = np.argsort(-(appeal + rng.gumbel(size=(n, params.n_topics))), axis=1)
    n_liked = rng.integers(2, params.most_liked + 1, n)
    liking = np.array(_LIKINGS) * (np.arange(len(_LIKINGS)) < n_liked[:, None])
    taste = np.zeros((n, params.n_topics))
    np.put_along_axis(taste, ranking[:, : len(_LIKINGS)], liking, axis=1)
    return taste


def _stated_topics(taste: Floats, rng: np.random.Generator) -> Ints:
    n, n_topics = taste.shape
    liked = np.cumsum(taste, axis=1) > rng.random((n, 1)) * taste.sum(axis=1, keepdims=True)
    is_true = rng.random(n) < _STATED_IS_TRUE
    return np.where(is_true, liked.argmax(axis=1), rng.integers(0, n_topics, n))


def _follows(taste: Floats, language: Ints, creators: Creators, rng: np.random.Generator) -> Bools:
    """Follow about four creators each, mostly of liked topics and the own language, bool[v, c]."""
    fit = taste[:, creators.topics[:, 0]] + 0.4 * taste[:, creators.topics[:, 1]]
    same_language = language[:, None] == creators.language
    weight = (0.05 + fit) * (0.3 + 0.7 * same_language) * np.exp(0.5 * creators.quality)
    chance = 4.0 * weight / weight.sum(axis=1, keepdims=True)
    return np.asarray(rng.random(weight.shape) < chance)


def _hour_weights(n: int, rng: np.random.Generator) -> Floats:
    """Mix two habits a viewer into the chance of each local hour, float64[v, 24], rows sum to 1."""
    habits = rng.choice(len(_HABIT_HOURS), (n, 2), p=_HABIT_SHARES)
    center = np.array(_HABIT_HOURS)[habits] + rng.normal(0.0, 0.7, (n, 2))
    hour = np.arange(24) + 0.5
    distance = np.abs((hour - center[:, :, None] + 12.0) % 24.0 - 12.0)
    weights = np.exp(-0.5 * (distance / _HABIT_SPREAD) ** 2)
    weights = weights[:, 0] + 0.6 * weights[:, 1]
    weights = (1.0 - _ANY_HOUR_SHARE) * weights / weights.sum(axis=1, keepdims=True)
    return np.asarray(weights + _ANY_HOUR_SHARE / 24.0, dtype=np.float64)
