"""What a device remembers of its own views, and how it orders cards by it; nothing is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.federation.conf import FEATURES

Card = Mapping[str, Any]  # as `GET /federation/cards` tells it

_PRIOR_RATE = 0.3  # long views a view, of a device that has seen nothing
_PRIOR_VIEWS = 3.0  # that the device's own rate counts as, in each category and creator
_LOG_ODDS = 4.0  # of a difference of rates: the slope of the log odds at one half


@dataclass
class Taste:
    """Views and long views of one device, in all, by category and by creator."""

    language: str  # of the device
    views: Counter[str] = field(default_factory=Counter)
    long_views: Counter[str] = field(default_factory=Counter)

    def features(self, cards: Sequence[Card]) -> NDArray[np.float64]:
        """Return float64[n, FEATURES] of cards as of now."""
        own = self._rate("", _PRIOR_RATE)
        rows = [
            (
                1.0,
                card["content_rate"],
                card["creator_rate"],
                _logit(own) - _logit(_PRIOR_RATE),
                *(_LOG_ODDS * (self._rate(kind, own) - own) for kind in _kinds(card)),
                float(card["language"] == self.language),
            )
            for card in cards
        ]
        return np.array(rows, float).reshape(-1, len(FEATURES))

    def learn(self, card: Card, watch_seconds: float) -> bool:
        """Take a view in, so that it counts from the very next page on; say whether it was long."""
        is_long = watch_seconds >= card["long_view_seconds"]
        for kind in ("", *_kinds(card)):
            self.views[kind] += 1
            self.long_views[kind] += is_long
        return bool(is_long)

    def ranked(self, cards: Sequence[Card], weights: Mapping[str, float]) -> list[Card]:
        """Return cards, the likeliest long view first; of equals in the order of the server."""
        by_feature = np.array([weights[name] for name in FEATURES])
        order = np.argsort(-(self.features(cards) @ by_feature), kind="stable")
        return [cards[at] for at in order]

    def _rate(self, kind: str, prior: float) -> float:
        return (self.long_views[kind] + _PRIOR_VIEWS * prior) / (self.views[kind] + _PRIOR_VIEWS)


def _kinds(card: Card) -> tuple[str, str]:
    return f"category {card['category']}", f"creator {card['creator_id']}"


def _logit(rate: float) -> float:
    return log(rate / (1 - rate))
