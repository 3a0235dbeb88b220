"""What is known of the content, whoever asks: counters, rates, trend, age, length (spec §3.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.stats import DAY, EVER, HOURS_6, WEEK, Counted
from apps.features.view import View

_PRIOR_VIEWS = 10.0  # κ: a rate starts at the average and needs this many views to leave it
_HALF_LIFE_NAMES = {HOURS_6: "6h", DAY: "1d", WEEK: "7d", EVER: "ever"}


def smoothed_rate(
    counts: NDArray[np.float32], totals: NDArray[np.float32], kind: Counted, half_life: int
) -> NDArray[np.float32]:
    """Return (n_kind + κ·p) / (n_views + κ), float32[n], p being the rate over everything.

    counts and totals: float32[n, n_counted, n_half_lives] (or totals [1, …]).
    """
    views = counts[:, Counted.VIEW, half_life]
    all_views = totals[:, Counted.VIEW, half_life]
    average = (totals[:, kind, half_life] + 0.3) / (all_views + 1)
    return np.asarray(
        (counts[:, kind, half_life] + _PRIOR_VIEWS * average) / (views + _PRIOR_VIEWS)
    )


def _totals(view: View) -> NDArray[np.float32]:
    return view.totals if view.n_queries == 1 else np.asarray(view.of_pairs(view.totals))


def _popularity(view: View) -> NDArray[np.float32]:
    counts = view.counts["content"]
    views, long_views = counts[:, Counted.VIEW], counts[:, Counted.LONG_VIEW]
    logs = np.log1p(np.concatenate([views, long_views], axis=1))
    # Share of recent long views in the longer past: > 0 for what is on the rise.
    rise = np.log((long_views[:, [HOURS_6, DAY]] + 0.5) / (long_views[:, [DAY, WEEK]] + 2.0))
    return np.concatenate([logs, rise], axis=1)


POPULARITY = FeatureGroup(
    "content_popularity",
    (
        *(
            Feature(f"views_{h}", f"log(1 + views), half-life {h}")
            for h in _HALF_LIFE_NAMES.values()
        ),
        *(
            Feature(f"long_views_{h}", f"log(1 + long views), half-life {h}")
            for h in _HALF_LIFE_NAMES.values()
        ),
        Feature("rise_6h_1d", "log share of the last 6 h in the last day's long views"),
        Feature("rise_1d_7d", "log share of the last day in the last week's long views"),
    ),
    _popularity,
)


def _rates(entity: str, pairs: tuple[tuple[Counted, int], ...]) -> FeatureGroup:
    def value(view: View) -> NDArray[np.float32]:
        totals = _totals(view)
        counts = view.counts[entity]
        return np.stack([smoothed_rate(counts, totals, *pair) for pair in pairs], axis=1)

    features = tuple(
        Feature(
            f"{entity}_{kind.name.lower()}_rate_{_HALF_LIFE_NAMES[half_life]}",
            f"{kind.name.lower()} per view of the {entity}, smoothed, half-life "
            f"{_HALF_LIFE_NAMES[half_life]}",
        )
        for kind, half_life in pairs
    )
    return FeatureGroup(f"{entity}_rates", features, value)


CONTENT_RATES = _rates(
    "content",
    (
        (Counted.LONG_VIEW, DAY),
        (Counted.LONG_VIEW, WEEK),
        (Counted.LONG_VIEW, EVER),
        (Counted.LIKE, WEEK),
        (Counted.LIKE, EVER),
        (Counted.SHARE, EVER),
        (Counted.NEGATIVE, EVER),
    ),
)
CREATOR_RATES = _rates(
    "creator", ((Counted.LONG_VIEW, WEEK), (Counted.LONG_VIEW, EVER), (Counted.LIKE, EVER))
)
SOUND_RATES = _rates("sound", ((Counted.LONG_VIEW, EVER),))
CATEGORY_RATES = _rates("category", ((Counted.LONG_VIEW, WEEK), (Counted.LIKE, EVER)))


def _traits(view: View) -> NDArray[np.float32]:
    at_ms = view.of_pairs(view.at_ms)
    age_hours = np.maximum(at_ms - view.catalog.uploaded_ms[view.rows], 0) / 3_600_000
    duration = view.catalog.duration_seconds[view.rows]
    creator_views = view.counts["creator"][:, Counted.VIEW, EVER]
    sound_views = view.counts["sound"][:, Counted.VIEW, EVER]
    return np.stack(
        [
            np.log1p(age_hours),
            np.log1p(duration),
            np.log1p(creator_views),
            np.log1p(sound_views),
        ],
        axis=1,
    ).astype(np.float32)


TRAITS = FeatureGroup(
    "content_traits",
    (
        Feature("age", "log(1 + hours since the upload)"),
        Feature("duration", "log(1 + seconds); missing where unknown"),
        Feature("creator_views", "log(1 + views of the creator's contents, ever)"),
        Feature("sound_views", "log(1 + views of contents with the sound, ever)"),
    ),
    _traits,
)
