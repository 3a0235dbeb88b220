"""The cohorts of days: who of each segment was active, and how many of them came again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Max, Min
from numpy.typing import NDArray

from apps.events.types import DEVICES
from apps.insights import conf
from apps.insights.algorithms import cohorts
from apps.insights.counting import Ints
from apps.insights.models import DayCohorts, FirstDay, ViewerDay
from apps.insights.totals import (
    ALL,
    NEW,
    OF_DEVICES,
    ON_DEVICES,
    RETURNING,
    Mask,
    is_bot,
    main_device,
)
from apps.profiles.models import AgeGroup, Viewer

_CHUNK = 10_000  # viewers whose profiles are asked for at once


@dataclass(frozen=True, slots=True)
class _Presence:
    """Who was there on d days, from the first of them on; m viewers by ascending key."""

    there: Mask  # [m, d], bots' days left out
    device: NDArray[np.int8]  # [m, d] code in `DEVICES` of most of the day's events, 0: not known
    debut: Ints  # [m] column of the first day, negative before the first column
    language: NDArray[np.str_]  # [m], empty where not known
    age_group: NDArray[np.str_]  # [m], empty where not known


def write_cohorts(touched: list[int]) -> None:
    """Work out the days that see one of these (ascending) in their past or future."""
    span = conf.RETENTION_DAYS
    known = ViewerDay.objects.aggregate(first=Min("day"), last=Max("day"))
    if known["first"] is None:
        return
    low = max(touched[0] - span, known["first"])
    high = min(touched[-1] + span, known["last"])
    # Windows of 30 days look back from the first day that is written, cohorts ahead of the last.
    first, last = low - span, min(high + span, known["last"])
    found = _by_segment(_presence(first, last))
    columns = range(low - first, high - first + 1)
    rows = [
        _row(first + i, segment, counts, i)
        for segment, counts in found.items()
        for i in columns
        if segment == ALL or counts["monthly"][i] or counts["returned"][i, 0]
    ]
    with transaction.atomic():
        DayCohorts.objects.filter(day__gte=low, day__lte=high).delete()
        DayCohorts.objects.bulk_create(rows, batch_size=2000)


def _by_segment(people: _Presence) -> dict[str, dict[str, Ints]]:
    """Return the counts of each segment by the names of the columns, [d] or [d, 31] each.

    Who is new is so for a day, or for the days of a window: their first is one of them. A device is
    that of the day, or of one day of a window; who had it came again on whichever.
    """
    found = {ALL: _counts(people, people.there)}
    new = _of_new(people, found[ALL])
    found |= {NEW: new, RETURNING: _without(found[ALL], new)}
    languages = Counter(name for name in people.language.tolist() if name)
    for name, _ in languages.most_common(conf.MOST_LANGUAGES):
        found[f"language:{name}"] = _counts(people, _days_of(people, people.language == name))
    for name in AgeGroup.values:
        found[f"age:{name}"] = _counts(people, _days_of(people, people.age_group == name))
    for code, name in enumerate(DEVICES[1:], start=1):
        found[OF_DEVICES + name] = _counts(people, people.device == code)
    return found


def _days_of(people: _Presence, mask: Mask) -> Mask:
    return people.there & mask[:, None]


def _counts(people: _Presence, cohort: Mask) -> dict[str, Ints]:
    """Count those of bool[m, d], who were there."""
    some = cohort.any(axis=1)
    cohort, there, debut = cohort[some], people.there[some], people.debut[some]
    return {
        "returned": cohorts.returns(cohort, there, conf.RETENTION_DAYS),
        "new_returned": cohorts.new_returns(cohort, there, debut, conf.RETENTION_DAYS),
        "weekly": cohorts.rolling(cohort, 7),
        "monthly": cohorts.rolling(cohort, 30),
    }


def _of_new(people: _Presence, of_all: dict[str, Ints]) -> dict[str, Ints]:
    return {
        "returned": of_all["new_returned"],
        "new_returned": of_all["new_returned"],
        "weekly": cohorts.rolling_new(people.there, people.debut, 7),
        "monthly": cohorts.rolling_new(people.there, people.debut, 30),
    }


def _without(of_all: dict[str, Ints], new: dict[str, Ints]) -> dict[str, Ints]:
    return {name: counts - new[name] for name, counts in of_all.items()}


def _row(day: int, segment: str, counts: dict[str, Ints], i: int) -> DayCohorts:
    return DayCohorts(
        day=day,
        segment=segment,
        active=int(counts["returned"][i, 0]),
        new=int(counts["new_returned"][i, 0]),
        weekly=int(counts["weekly"][i]),
        monthly=int(counts["monthly"][i]),
        returned=counts["returned"][i].tolist(),
        new_returned=counts["new_returned"][i].tolist(),
    )


def _presence(first: int, last: int) -> _Presence:
    """Read who was there on the days first to last."""
    found = ViewerDay.objects.filter(day__gte=first, day__lte=last)
    names = ("viewer_id", "day", "views", "watch_ms", *ON_DEVICES)
    rows = np.array(list(found.values_list(*names)), np.int64).reshape(-1, len(names))
    rows = rows[~is_bot(rows[:, 2], rows[:, 3])]
    viewers, at = np.unique(rows[:, 0], return_inverse=True)
    there = np.zeros((len(viewers), last - first + 1), np.bool_)
    there[at, rows[:, 1] - first] = True
    device = np.zeros(there.shape, np.int8)
    device[at, rows[:, 1] - first] = main_device(rows[:, 4:].T)
    first_days = dict(
        FirstDay.objects.filter(day__gte=first, day__lte=last).values_list("pk", "day")
    )
    debut = np.array([first_days.get(pk, -1) - first for pk in viewers.tolist()], np.int64)
    profiles = _profiles(viewers)
    return _Presence(there, device, debut, profiles[:, 0], profiles[:, 1])


def _profiles(viewers: Ints) -> NDArray[np.str_]:
    """Return language and age group, [m, 2]."""
    known: dict[int, tuple[str, str]] = {}
    for start in range(0, len(viewers), _CHUNK):
        some = viewers[start : start + _CHUNK].tolist()
        rows = Viewer.objects.filter(pk__among=some).values_list("pk", "language", "age_group")
        known |= {pk: (language, age_group) for pk, language, age_group in rows}
    return np.array([known.get(pk, ("", "")) for pk in viewers.tolist()], np.str_).reshape(-1, 2)
