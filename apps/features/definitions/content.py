"""What is known of the content, whoever asks: counters, rates, growth, age, length (spec §3.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.features.definitions.base import Feature, FeatureGroup
from apps.features.stats import DAY, EVER, EVERYTHING, HOURS_6, WEEK, Counted
from apps.features.view import View

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_PRIOR_VIEWS = 10.0  # κ: a rate starts at the average and needs this many views to leave it
_PRIOR_RATE = 0.3  # of anything, before anybody has watched anything
_PRIOR_GROWTH = 1.0  # a: long views that pull a growth rate to 1
_HALF_LIFE_NAMES = {HOURS_6: "6h", DAY: "1d", WEEK: "7d", EVER: "ever"}
_MAX_LOG = 20.0  # log(1 + n) for any count there can be


def columns(*pairs: tuple[Counted, int]) -> tuple[Ints, Ints]:
    """Return kinds and half-lives int64[p] as `average_rates` and `smoothed_rates` take them."""
    kinds, half_lives = np.array(pairs).T
    return kinds, half_lives


def average_rates(view: View, kinds: Ints, half_lives: Ints) -> Floats:
    """Return float32[1 or n, p]: what share of all views led to each kind, at each half-life."""
    totals = view.totals[:, EVERYTHING]
    all_views = totals[:, Counted.VIEW][:, half_lives]
    return np.asarray((totals[:, kinds, half_lives] + _PRIOR_RATE) / (all_views + 1))


def smoothed_rates(counts: Floats, average: Floats, kinds: Ints, half_lives: Ints) -> Floats:
    """Return (n_kind + κ·p) / (n_views + κ), float32[…, p]; several kinds and half-lives at once.

    counts: float32[…, n_kinds, n_half_lives]; average: p, as `average_rates` gives it.
    """
    happened = counts[..., kinds, half_lives]
    views = counts[..., Counted.VIEW, :][..., half_lives]
    return np.asarray((happened + _PRIOR_VIEWS * average) / (views + _PRIOR_VIEWS))


def _popularity(view: View) -> Floats:
    counts = view.counts["content"]
    views, long_views = counts[:, Counted.VIEW], counts[:, Counted.LONG_VIEW]
    totals = view.totals[:, EVERYTHING, Counted.LONG_VIEW]
    # What the content's slower counter lets expect, times what everything has gained lately: a
    # rush on the whole platform is no growth of the content.
    platform = totals[:, [HOURS_6, DAY]] / np.maximum(totals[:, [DAY, WEEK]], 1e-6)
    expected = long_views[:, [DAY, WEEK]] * platform
    growth = (long_views[:, [HOURS_6, DAY]] + _PRIOR_GROWTH) / (expected + _PRIOR_GROWTH)
    return np.concatenate([np.log1p(views), np.log1p(long_views), np.log(growth)], axis=1)


POPULARITY = FeatureGroup(
    "content_popularity",
    (
        *(
            Feature(f"{name}_{h}", f"log(1 + {doc}), half-life {h}", 0, _MAX_LOG)
            for name, doc in (("views", "views"), ("long_views", "long views"))
            for h in _HALF_LIFE_NAMES.values()
        ),
        *(
            Feature(
                f"growth_{new}",
                f"log of the long views of the last {new} over those that the last {old} and the "
                "platform's own growth let expect",
                -_MAX_LOG,
                _MAX_LOG,
            )
            for new, old in (("6h", "1d"), ("1d", "7d"))
        ),
    ),
    _popularity,
    "counters",
)


def _rates(entity: str, pairs: tuple[tuple[Counted, int], ...]) -> FeatureGroup:
    kinds, half_lives = columns(*pairs)

    def value(view: View) -> Floats:
        average = average_rates(view, kinds, half_lives)
        return smoothed_rates(view.counts[entity], average, kinds, half_lives)

    features = tuple(
        Feature(
            f"{entity}_{kind.name.lower()}_rate_{_HALF_LIFE_NAMES[half_life]}",
            f"{kind.name.lower()} per view of the {entity}, smoothed, half-life "
            f"{_HALF_LIFE_NAMES[half_life]}",
            0,
            # Likes and comments may come without a view, or several to one.
            1 if kind in (Counted.LONG_VIEW, Counted.COMPLETE) else 1e6,
            default=_PRIOR_RATE,
        )
        for kind, half_life in pairs
    )
    return FeatureGroup(f"{entity}_rates", features, value, "counters")


CONTENT_RATES = _rates(
    "content",
    (
        (Counted.LONG_VIEW, DAY),
        (Counted.LONG_VIEW, WEEK),
        (Counted.LONG_VIEW, EVER),
        (Counted.COMPLETE, EVER),
        (Counted.LIKE, WEEK),
        (Counted.LIKE, EVER),
        (Counted.COMMENT, EVER),
        (Counted.SHARE, EVER),
        (Counted.SAVE, EVER),
        (Counted.NEGATIVE, EVER),
    ),
)
CREATOR_RATES = _rates(
    "creator",
    (
        (Counted.LONG_VIEW, WEEK),
        (Counted.LONG_VIEW, EVER),
        (Counted.COMPLETE, EVER),
        (Counted.LIKE, EVER),
        (Counted.NEGATIVE, EVER),
    ),
)
SOUND_RATES = _rates("sound", ((Counted.LONG_VIEW, WEEK), (Counted.LONG_VIEW, EVER)))
CATEGORY_RATES = _rates(
    "category", ((Counted.LONG_VIEW, WEEK), (Counted.COMPLETE, EVER), (Counted.LIKE, EVER))
)


_TAG_COLUMNS = columns((Counted.LONG_VIEW, WEEK), (Counted.LONG_VIEW, EVER))


def _tag_rates(view: View) -> Floats:
    kinds, half_lives = _TAG_COLUMNS
    average = average_rates(view, kinds, half_lives)
    counts = view.counts["tag"]
    rates = smoothed_rates(counts, average[:, None], kinds, half_lives)
    is_tag = (view.facts.tags >= 0)[:, : counts.shape[1], None]
    n_tags = is_tag.sum(axis=1)
    mean = np.where(n_tags > 0, (rates * is_tag).sum(1) / np.maximum(n_tags, 1), average)
    # Without a tag the best is the average as well.
    best = np.where(n_tags > 0, np.where(is_tag, rates, 0).max(axis=1), average)[:, 1:]
    views = np.log1p(counts[:, :, Counted.VIEW, EVER].max(axis=1))
    return np.concatenate([mean, best, views[:, None]], axis=1)


TAG_RATES = FeatureGroup(
    "tag_rates",
    (
        Feature("tag_long_view_rate_7d", "mean over the tags, smoothed", 0, 1, _PRIOR_RATE),
        Feature("tag_long_view_rate_ever", "mean over the tags, smoothed", 0, 1, _PRIOR_RATE),
        Feature("tag_best_long_view_rate", "of the best tag, smoothed", 0, 1, _PRIOR_RATE),
        Feature("tag_views", "log(1 + views of the most watched tag, ever)", 0, _MAX_LOG),
    ),
    _tag_rates,
    "counters",
)


def _traits(view: View) -> Floats:
    facts = view.facts
    age_hours = np.maximum(view.asked.at_ms - facts.uploaded_ms, 0) / 3_600_000
    columns = [
        np.log1p(age_hours),
        np.log1p(facts.duration_seconds),
        (facts.tags >= 0).sum(axis=1),
        np.log1p(view.counts["creator"][:, Counted.VIEW, EVER]),
        np.log1p(view.counts["sound"][:, Counted.VIEW, EVER]),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


TRAITS = FeatureGroup(
    "content_traits",
    (
        Feature("age", "log(1 + hours since the upload)", 0, _MAX_LOG),
        Feature("duration", "log(1 + seconds)", 0, _MAX_LOG, np.nan, may_miss=True),
        Feature("n_tags", "tags, at most 8", 0, 8),
        Feature("creator_views", "log(1 + views of the creator's contents, ever)", 0, _MAX_LOG),
        Feature("sound_views", "log(1 + views of contents with the sound, ever)", 0, _MAX_LOG),
    ),
    _traits,
    "counters",
)
