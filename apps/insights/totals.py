"""The totals of one day for each segment, worked out from the rows of its viewers and contents."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.clock import DAY_MS
from apps.events import selectors as events
from apps.events.types import DEVICES
from apps.experiments.models import Exposure
from apps.features.models import Session
from apps.insights import conf
from apps.insights.algorithms.spread import gini
from apps.insights.counting import content_views, counted, measures
from apps.insights.days import days_of, start_ms
from apps.insights.models import ContentDay, ViewerDay
from apps.profiles.models import AgeGroup

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Totals = dict[str, float]

ALL = "all"
# How the names of such segments begin.
OF_NOVELTY, OF_DEVICES, OF_EXPERIMENTS = "viewers:", "device:", "experiment:"
NEW, RETURNING = f"{OF_NOVELTY}new", f"{OF_NOVELTY}returning"
COLUMNS = tuple(
    field.name for field in ViewerDay._meta.fields if field.name not in {"id", "day", "viewer"}
)
ON_DEVICES = tuple(f"on_{name}" for name in DEVICES[1:])
_MINORS = (AgeGroup.UNDER_13, AgeGroup.TEEN)


@dataclass(frozen=True, slots=True)
class DayOfViewers:
    """The people of one day: n viewers by ascending key, bots left out."""

    viewer: Ints  # [n] database keys
    did: dict[str, Ints]  # [n] each, by the names of `COLUMNS`
    language: NDArray[np.str_]  # [n], empty where not known
    age_group: NDArray[np.str_]  # [n], empty where not known
    device: NDArray[np.int8]  # [n] code in `DEVICES` of most of the day's events, 0: not known
    is_new: Mask  # [n]: it is their first day
    bots: Ints  # keys of those who are left out


def is_bot(views: Ints, watch_ms: Ints) -> Mask:
    """Say which days of viewers are no person's."""
    return (views > conf.BOT_VIEWS) | (watch_ms > conf.BOT_WATCH_MS)


def main_device(n_events: Ints) -> NDArray[np.int8]:
    """Return the code in `DEVICES` of the device with the most events of each row, int8[n].

    n_events: int64[6, n] by `ON_DEVICES`. The earlier among equals; 0 where no event names one.
    """
    return np.where(n_events.any(axis=0), n_events.argmax(axis=0) + 1, 0).astype(np.int8)


def totals_of(day: int) -> dict[str, Totals]:
    """Return the totals of a day by segment; six queries whatever its size, empty without viewers.

    `all` has what is known of the contents as well.
    """
    people = viewers_of(day)
    segments = segments_of(people, day)
    sessions = _sessions(people, day)
    found = {name: _of_viewers(people, mask, sessions) for name, mask in segments.items()}
    if ALL in found:
        found[ALL] |= _of_contents(people, day)
    return found


def viewers_of(day: int) -> DayOfViewers:
    """Return who was active on a day."""
    rows = list(
        ViewerDay.objects.filter(day=day)
        .order_by("viewer_id")
        .values_list(
            "viewer_id",
            *COLUMNS,
            "viewer__language",
            "viewer__age_group",
            "viewer__firstday__day",
        )
    )
    numbers = np.array([row[: 1 + len(COLUMNS)] for row in rows], np.int64)
    numbers = numbers.reshape(-1, 1 + len(COLUMNS)).T
    did = dict(zip(COLUMNS, numbers[1:], strict=True))
    bots = is_bot(did["views"], did["watch_ms"])
    texts = np.array([row[-3:-1] for row in rows], np.str_).reshape(-1, 2)
    first = np.array([day if row[-1] is None else row[-1] for row in rows], np.int64)
    return DayOfViewers(
        viewer=numbers[0][~bots],
        did={name: column[~bots] for name, column in did.items()},
        language=texts[~bots, 0],
        age_group=texts[~bots, 1],
        device=main_device(np.stack([did[name] for name in ON_DEVICES]))[~bots],
        is_new=(first == day)[~bots],
        bots=numbers[0][bots],
    )


def segments_of(people: DayOfViewers, day: int) -> dict[str, Mask]:
    """Return the segments of a day that anybody is in, bool[n] each."""
    found: dict[str, Mask] = {
        ALL: np.ones(len(people.viewer), np.bool_),
        NEW: people.is_new,
        RETURNING: ~people.is_new,
    }
    languages = Counter(name for name in people.language.tolist() if name)
    for name, _ in languages.most_common(conf.MOST_LANGUAGES):
        found[f"language:{name}"] = people.language == name
    for name in AgeGroup.values:
        found[f"age:{name}"] = people.age_group == name
    for code, name in enumerate(DEVICES[1:], start=1):
        found[OF_DEVICES + name] = people.device == code
    found |= _variants(people.viewer, day)
    return {name: mask for name, mask in found.items() if mask.any()}


def _variants(viewer: Ints, day: int) -> dict[str, Mask]:
    """Return who had been exposed to which variant by the end of the day; crossed ones in none."""
    rows = Exposure.objects.filter(first_ms__lt=start_ms(day + 1)).values_list(
        "experiment_id", "viewer_id", "experiment__key", "variant__name"
    )
    exposed: dict[tuple[int, int], set[str]] = {}
    for experiment, pk, key, variant in rows.iterator(chunk_size=10_000):
        exposed.setdefault((experiment, pk), set()).add(f"{OF_EXPERIMENTS}{key}/{variant}")
    members: dict[str, list[int]] = {}
    for (_, pk), names in exposed.items():
        if len(names) == 1:
            members.setdefault(names.pop(), []).append(pk)
    return {name: np.isin(viewer, pks) for name, pks in sorted(members.items())}


@dataclass(frozen=True, slots=True)
class _Sessions:
    seconds: NDArray[np.float64]  # [s] first event to latest end
    at: Ints  # [s] place of the viewer among the day's


def _sessions(people: DayOfViewers, day: int) -> _Sessions:
    """Return the sessions that began on the day; one of two devices at once is one."""
    found = Session.objects.filter(started_ms__gte=start_ms(day), started_ms__lt=start_ms(day + 1))
    rows = np.array(
        list(found.order_by("pk").values_list("viewer_id", "started_ms", "ended_ms")), np.int64
    ).reshape(-1, 3)
    rows = rows[np.isin(rows[:, 0], people.viewer)]
    seconds = (rows[:, 2] - rows[:, 1]) / 1000
    return _Sessions(seconds, np.searchsorted(people.viewer, rows[:, 0]))


def _of_viewers(people: DayOfViewers, mask: Mask, sessions: _Sessions) -> Totals:
    did = {name: column[mask] for name, column in people.did.items()}
    is_minor = np.isin(people.age_group[mask], _MINORS)
    seconds = sessions.seconds[mask[sessions.at]]
    sums = {name: int(column.sum()) for name, column in did.items()}
    return {
        "viewers": int(mask.sum()),
        **sums,
        "over_users": int((did["watch_ms"] > conf.OVER_USE_MS).sum()),
        "minors": int(is_minor.sum()),
        "minors_night_ms": int(did["night_ms"][is_minor].sum()),
        "sessions": len(seconds),
        "session_seconds": round(float(seconds.sum()), 3),
        "session_median": float(np.median(seconds)) if len(seconds) else 0.0,
        "session_p90": float(np.quantile(seconds, 0.9)) if len(seconds) else 0.0,
    }


def _of_contents(people: DayOfViewers, day: int) -> Totals:
    """Return what was watched of the catalogue as it was at the end of the day."""
    catalog = content.current_catalog()
    views, since_ms = _content_columns(day, people.bots, catalog)
    end_ms = start_ms(day + 1)
    is_out = catalog.uploaded_ms < end_ms
    was_viewed = views > 0
    # Σ (moment of the view − upload); negative for views before a corrected upload: none.
    age_ms = since_ms + views * (start_ms(day) - catalog.uploaded_ms)
    n_creators = len(catalog.creator_pk)
    debut_ms = np.full(n_creators, np.iinfo(np.int64).max)
    has_creator = catalog.creator >= 0
    np.minimum.at(debut_ms, catalog.creator[has_creator], catalog.uploaded_ms[has_creator])
    by_creator = np.bincount(
        catalog.creator[has_creator], weights=views[has_creator], minlength=n_creators
    ).astype(np.int64)
    is_new = debut_ms >= end_ms - conf.NEW_CREATOR_DAYS * DAY_MS
    return {
        "contents_out": int((is_out | was_viewed).sum()),
        "contents_viewed": int(was_viewed.sum()),
        "content_views": int(views.sum()),
        "age_hours": round(float(np.maximum(age_ms, 0).sum()) / 3_600_000, 3),
        "creator_gini": gini(by_creator[(debut_ms < end_ms) | (by_creator > 0)]),
        "new_creator_views": int(by_creator[is_new].sum()),
    }


def _content_columns(day: int, bots: Ints, catalog: Catalog) -> tuple[Ints, Ints]:
    """Return views and Σ ms since midnight of each content, int64[n_contents]; no bot's."""
    stored = ContentDay.objects.filter(day=day).values_list("content_id", "views", "since_ms")
    rows = np.array(list(stored), np.int64).reshape(-1, 3)
    views, since_ms = np.zeros(len(catalog), np.int64), np.zeros(len(catalog), np.int64)
    at = catalog.rows_of(rows[:, 0])
    views[at], since_ms[at] = rows[:, 1], rows[:, 2]
    if len(bots):
        log = events.log_of(bots, catalog, after_ms=start_ms(day), until_ms=start_ms(day + 1))
        log = counted(log, catalog)
        picked, amounts = content_views(log, measures(log, catalog), days_of(log.at_ms))
        np.subtract.at(views, log.content[picked], amounts["views"])
        np.subtract.at(since_ms, log.content[picked], amounts["since_ms"])
    return views, since_ms
