"""When, where and on what the viewer asks (spec §3.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.events.types import DEVICES
from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.definitions.content import average_rates, columns, smoothed_rates
from apps.features.stats import EVER, Counted
from apps.features.view import View

Floats = NDArray[np.float32]

_MAX_SURFACE = 999
_MOST_SLOTS = 50  # of a page
_LONG_EVER = columns((Counted.LONG_VIEW, EVER))
_N_SURFACES = 16  # pages that one-hot coding tells apart


def _context(view: View) -> Floats:
    asked = view.asked
    local_hours = asked.at_ms / 3_600_000 + asked.utc_offset_minutes / 60
    angle = 2 * np.pi * (local_hours % 24) / 24
    weekday = (local_hours // 24 + 3) % 7  # 1 January 1970 was a Thursday
    columns = [
        np.sin(angle),
        np.cos(angle),
        weekday,
        np.clip(asked.surface, 0, _MAX_SURFACE),
        asked.device,
        view.log_network,
        np.clip(asked.slot, 1, _MOST_SLOTS),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


CONTEXT = FeatureGroup(
    "context",
    (
        Feature("hour_sin", "sin(2π·hour/24), the viewer's local fractional hour", -1, 1),
        Feature("hour_cos", "cos(2π·hour/24)", -1, 1, 1.0),
        Feature("weekday", "0 Monday … 6 Sunday, local", 0, 6, kind="categorical", n_values=7),
        Feature(
            "surface",
            "page of the app, as the client numbers it",
            0,
            _MAX_SURFACE,
            kind="categorical",
            n_values=_N_SURFACES,
        ),
        Feature(
            "device",
            f"0 unknown, then {', '.join(DEVICES[1:])}",
            0,
            len(DEVICES) - 1,
            kind="categorical",
            n_values=len(DEVICES),
        ),
        Feature(
            "network",
            "log(1 + ms), median of the viewer's latest load times",
            0,
            14,
            np.nan,
            may_miss=True,
        ),
        Feature(
            "slot",
            "place in the page, from 1: as it was shown when learning, 1 when asked",
            1,
            _MOST_SLOTS,
            1.0,
            may_miss=True,
        ),
    ),
    _context,
    "request",
)


def _time_of_day(view: View) -> Floats:
    kinds, half_lives = _LONG_EVER
    average = average_rates(view, kinds, half_lives)
    of_category = smoothed_rates(view.counts["category"], average, kinds, half_lives)
    # A part of the day starts at the category's own rate: what is left is the hour's doing.
    of_part = smoothed_rates(view.counts["category_part"], of_category, kinds, half_lives)
    of_device = smoothed_rates(view.counts["device"], average, kinds, half_lives)
    return np.concatenate([of_part, np.log(of_part / of_category), of_device], axis=1)


TIME_OF_DAY = FeatureGroup(
    "time_of_day",
    (
        Feature(
            "category_part_rate",
            "long views per view of the category in this part of the viewer's day (4 h), smoothed",
            0,
            1,
            0.3,
        ),
        Feature("category_part_lift", "log of it over the category's rate at any time", -20, 20),
        Feature("device_long_rate", "long views per view on this kind of device", 0, 1, 0.3),
    ),
    _time_of_day,
    "counters",
)
