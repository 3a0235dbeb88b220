"""The synthetic world as columns: parameters, creators, contents, viewers, and the truth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apps.simulation.arrays import Bools, Floats, Ints
from apps.simulation.laws import Laws, sigmoid, watch_logit

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class WorldParams:
    """Size and seed of a world; the same parameters always make the same world."""

    seed: int = 7
    n_viewers: int = 2_000  # ≥ 1
    n_contents: int = 5_000  # ≥ 1
    n_creators: int = 220  # ≥ 1; names last for about 30 a topic
    n_topics: int = 20  # 4 … 20, the number of topics in the vocabulary
    n_songs: int = 300  # ≥ 1, next to one original sound per creator
    n_days: int = 14  # length of the window, days, ≥ 1
    end_ms: int = 1_767_225_600_000  # end of the window, ms since 1970 UTC
    archive_days: int = 60  # how long before the window the oldest content was uploaded, days
    archive_share: float = 0.6  # share of contents uploaded before the window, [0, 1]
    most_liked: int = 4  # topics that a viewer likes at most, 2 … 4

    @property
    def start_ms(self) -> int:
        """Start of the window, ms since 1970 UTC."""
        return self.end_ms - self.n_days * DAY_MS


@dataclass(frozen=True, slots=True)
class Creators:
    """Creators as columns of length c."""

    id: tuple[str, ...]  # readable handle, unique
    name: tuple[str, ...]  # display name
    topics: Ints  # int64[c, 2] home topics, the main one first
    language: Ints  # int64[c] index into vocabulary.LANGUAGES
    quality: Floats  # float64[c] mean latent quality, standard normal units
    productivity: Floats  # float64[c] share of all uploads, sums to 1


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents as columns of length n, in order of upload."""

    id: tuple[str, ...]
    description: tuple[str, ...]
    tags: tuple[tuple[str, ...], ...]  # ≤ content.types.MAX_TAGS each, without '#'
    creator: Ints  # int64[n] creator row
    topics: Floats  # float64[n, t] topic mixture, rows sum to 1
    category: Ints  # int64[n] main topic, index into World.topics
    language: Ints  # int64[n] index into vocabulary.LANGUAGES
    sound: Ints  # int64[n] index into World.sound_ids
    quality: Floats  # float64[n] latent quality, about standard normal
    duration_seconds: Floats  # float64[n], 5 … 180
    uploaded_ms: Ints  # int64[n] ms since 1970 UTC, ascending


@dataclass(frozen=True, slots=True)
class Viewers:
    """Viewers as columns of length v."""

    id: tuple[str, ...]
    age_group: Ints  # int64[v] index into vocabulary.AGE_GROUPS
    language: Ints  # int64[v] index into vocabulary.LANGUAGES
    country: tuple[str, ...]  # ISO 3166 alpha-2
    utc_offset_minutes: NDArray[np.int16]  # int16[v] of the local clock
    device: Ints  # int64[v] index into vocabulary.DEVICES
    taste: Floats  # float64[v, t] liking of each topic, [0, 1], 1 for the favorite; 2–4 not 0
    stated_topic: Ints  # int64[v] what a sign-up form would know: often, not always, a true taste
    follows: Bools  # bool[v, c] creators followed when the window starts
    activity: Floats  # float64[v] logit of the chance of opening the app on a day
    hour_weights: Floats  # float64[v, 24] chance that a session starts in each local hour


@dataclass(frozen=True, slots=True)
class World:
    """Everything there is, hidden truth included; a system under test sees ids and events only."""

    params: WorldParams
    topics: tuple[str, ...]  # [t] names
    creators: Creators
    contents: Contents
    viewers: Viewers
    sound_ids: tuple[str, ...]  # songs, then one original sound per creator
    sound_titles: tuple[str, ...]
    language_gap: Floats  # float64[l, l] hardness of (viewer's, content's) language, [0, 1]
    laws: Laws = field(default_factory=Laws)

    def affinity(self, viewer_index: int, rows: Ints) -> Floats:
        """Return the true affinity in [0, 1] of one viewer to contents, float64[n]."""
        return self.pair_affinity(np.full(len(rows), viewer_index), rows)

    def expected_watch(self, viewer_index: int, rows: Ints) -> Floats:
        """Return the seconds, float64[n], that a rested viewer is expected to watch of each.

        Duration times the mean watch fraction at average mood: a truth to rank and judge by,
        slightly below the mean of many draws because late leavers count as complete. Follows
        are those at the start of the window.
        """
        viewer = np.full(len(rows), viewer_index)
        follows = self.viewers.follows[viewer, self.contents.creator[rows]]
        logit = self.pair_logit(viewer, rows, satiation=0.0, is_followed=follows)
        return sigmoid(logit) * self.contents.duration_seconds[rows]

    def pair_affinity(self, viewer: Ints, rows: Ints) -> Floats:
        """Return the affinity, taste · topic mixture, of pairs: int64[k], int64[k] → float64[k]."""
        taste, mixture = self.viewers.taste[viewer], self.contents.topics[rows]
        return np.asarray(np.einsum("kt,kt->k", taste, mixture), dtype=np.float64)

    def pair_logit(
        self,
        viewer: Ints,
        rows: Ints,
        *,
        satiation: Floats | float,
        is_followed: Bools,
    ) -> Floats:
        """Return the watch logit of aligned pairs, float64[k]; see `laws.watch_logit`."""
        languages = self.viewers.language[viewer], self.contents.language[rows]
        return watch_logit(
            self.laws,
            affinity=self.pair_affinity(viewer, rows),
            quality=self.contents.quality[rows],
            satiation=satiation,
            language_gap=self.language_gap[languages],
            duration_seconds=self.contents.duration_seconds[rows],
            is_followed=is_followed,
        )
