"""The `View`: aligned columns of viewers, contents and moment that every feature reads."""

from __future__ import annotations

from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from apps.content.types import used_tags
from apps.features.history import LAST_VIEWS, History
from apps.features.types import Asked, Counts, Facts

Floats = NDArray[np.float32]
HALF_LIVES_HOURS = (1, 24, 168, 720)  # of what a viewer did (spec §3.1)
_DECAYS = np.log(2) / np.array(HALF_LIVES_HOURS, np.float32)  # λ per hour
ENTITIES = ("creator", "sound", "category", "tag")
_TAG = ENTITIES.index("tag")
_MOST_NETWORK_MS = 600_000.0  # what the intake lets through


class Past(IntEnum):
    """What is added up over those events of a history that share something with the content."""

    VIEWS = 0
    LONG_VIEWS = 1
    POSITIVE = 2  # weight for
    NEGATIVE = 3  # weight against
    RECENT_1H = 4  # signed weight, decayed: Σ e·exp(−λΔt)
    RECENT_1D = 5
    RECENT_7D = 6
    RECENT_30D = 7
    SESSION = 8  # views of the session going on
    TODAY = 9  # views of the last 24 hours
    LAST_1 = 10  # of the last views
    LAST_5 = 11
    LAST_10 = 12


class View:
    """n pairs of a query and a content; serving has one query, training one for each pair.

    A view holds what was known at the moment of each pair and nothing else: no log, no catalogue,
    no counters that go on counting. asked and history: of m = 1 or m = n queries. facts: of the n
    contents. counts: of the n pairs as of their moments.
    """

    def __init__(self, *, facts: Facts, counts: Counts, history: History, asked: Asked) -> None:
        self.facts = facts
        self.history = history
        self.asked = asked
        self.counts: dict[str, Floats] = {
            name: values.astype(np.float32) for name, values in counts.by.items()
        }
        self.totals: Floats = counts.total.astype(np.float32)

    def __len__(self) -> int:
        return len(self.facts.uploaded_ms)

    @cached_property
    def log_network(self) -> Floats:
        """float32[m]: log(1 + ms) of the median load time, NaN where none is known.

        The median of the latest few measurements: one stalled load says little about the network.
        """
        measured = np.concatenate([self.history.network_ms, self.asked.network_ms[:, None]], axis=1)
        measured = np.sort(measured, axis=1)  # NaN last
        n_known = np.isfinite(measured).sum(axis=1)
        query, last = np.arange(len(measured)), measured.shape[1] - 1
        low, high = np.maximum(n_known - 1, 0) // 2, np.minimum(n_known // 2, last)
        median = (measured[query, low] + measured[query, high]) / 2  # of none NaN
        return np.log1p(np.clip(median, 0, _MOST_NETWORK_MS)).astype(np.float32)

    @cached_property
    def history_weights(self) -> Floats:
        """float32[m, len(Past), h]: what each event of the history counts."""
        h = self.history
        m, slots = h.weight.shape
        weights = np.empty((m, len(Past), slots), np.float32)
        weights[:, Past.VIEWS] = h.is_view
        weights[:, Past.LONG_VIEWS] = h.is_long
        np.maximum(h.weight, 0, out=weights[:, Past.POSITIVE])
        np.maximum(-h.weight, 0, out=weights[:, Past.NEGATIVE])
        for i, decay in enumerate(_DECAYS):
            np.multiply(h.weight, np.exp(-decay * h.hours_ago), out=weights[:, Past.RECENT_1H + i])
        slots_ago = np.arange(slots, 0, -1)
        np.multiply(h.is_view, slots_ago <= h.session_slots[:, None], out=weights[:, Past.SESSION])
        np.multiply(h.is_view, h.hours_ago <= 24, out=weights[:, Past.TODAY])
        for i in range(len(LAST_VIEWS)):
            is_last = slots_ago <= h.last_slots[:, i, None]
            np.multiply(h.is_view, is_last, out=weights[:, Past.LAST_1 + i])
        return weights

    @cached_property
    def history_totals(self) -> Floats:
        """float32[m, len(Past)]: the history weights summed up."""
        return np.asarray(self.history_weights.sum(axis=2))

    @cached_property
    def shared(self) -> tuple[Floats, Floats]:
        """What the viewer did about contents that share something with this one.

        Returns float32[n, len(ENTITIES), len(Past)], sums over the events about the same creator,
        sound or category, and for tags by the share of the event's tags that this content has (an
        event about three tags gives each a third); and float32[n, len(ENTITIES)], 1/(1 + hours
        since the last such event), 0 for never.
        """
        if len(self.history.weight) == 1:
            return self._shared_of_one()
        h, facts = self.history, self.facts
        match = np.empty((len(self), len(ENTITIES), h.weight.shape[1]), np.float32)
        for i, past in enumerate((h.creator, h.sound, h.category)):
            mine = (facts.creator, facts.sound, facts.category)[i].astype(np.int32)
            mine = np.where(mine < 0, np.int32(-2), mine)  # no entity, nothing shared
            match[:, i] = past == mine[:, None]
        match[:, 3] = self._shared_tags()
        sums = np.matmul(match, self.history_weights.transpose(0, 2, 1))
        recency = h.is_filled / (1 + h.hours_ago)
        last = np.where(match > 0, recency[:, None], np.float32(0)).max(axis=2)
        return sums, last

    def _shared_of_one(self) -> tuple[Floats, Floats]:
        """Return what `shared` is: with one history, each creator, tag … is summed up once."""
        h, facts = self.history, self.facts
        past = np.concatenate([h.creator, h.sound, h.category, h.tags[0]]).astype(np.int64)
        theirs = np.stack([facts.creator, facts.sound, facts.category], axis=1)
        mine = np.concatenate([theirs, used_tags(facts.tags)], axis=1)
        # A number for each entity: creators first, tags last; −1 stays none.
        span = int(max(past.max(initial=0), mine.max(initial=0))) + 1
        past += np.where(past < 0, 0, span * np.minimum(np.arange(len(past)), _TAG)[:, None])
        mine += np.where(mine < 0, 0, span * np.minimum(np.arange(mine.shape[1]), _TAG))
        keys = np.unique(past[past >= 0])
        n, slots = len(keys), np.arange(past.shape[1])
        about = np.zeros((n + 1, len(slots)), np.float32)  # of each entity; the last row is of none
        about[np.where(past >= 0, np.searchsorted(keys, past), n), slots] = 1
        about[n] = 0
        weights, recency = self.history_weights[0].T, h.is_filled[0] / (1 + h.hours_ago[0])
        sums, last = about @ weights, (about * recency).max(axis=1)
        of_tags = slice(int(np.searchsorted(keys, span * _TAG)), n)
        sums[of_tags] = about[of_tags] @ (weights * h.tag_share[0, :, None])
        at = np.searchsorted(keys, mine)
        at = np.where(np.append(keys, -1)[at] == mine, at, n)
        found, lately = sums[at], last[at]
        return (
            np.concatenate([found[:, :_TAG], found[:, _TAG:].sum(axis=1, keepdims=True)], axis=1),
            np.concatenate([lately[:, :_TAG], lately[:, _TAG:].max(axis=1, keepdims=True)], axis=1),
        )

    def _shared_tags(self) -> Floats:
        past = self.history.tags
        mine = used_tags(self.facts.tags)
        mine = np.where(mine < 0, -2, mine).astype(past.dtype)  # no tag, nothing shared
        n_shared = np.zeros((len(self), past.shape[2]), np.int8)
        for of_event in range(past.shape[1]):
            for of_content in range(mine.shape[1]):
                n_shared += past[:, of_event] == mine[:, of_content, None]
        return n_shared * self.history.tag_share
