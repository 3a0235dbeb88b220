"""The consumer: what viewers did by day, contents were watched by day, and all did by minutes.

All of it are sums, so any order and any parts of the log give the same rows.
"""

from __future__ import annotations

import numpy as np
from django.db.models import Model
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.content.types import Catalog
from apps.core.clock import DAY_MS, HOUR_MS
from apps.core.upserts import add_up
from apps.events.types import DEVICE_CODE, EventLog, EventType, is_click, is_long_view
from apps.features.consumers import drain
from apps.features.models import Watermark
from apps.insights import conf
from apps.insights.days import days_of, start_ms
from apps.insights.models import ContentDay, FirstDay, Pulse, TouchedDay, ViewerDay
from apps.profiles.models import Creator, Viewer
from apps.profiles.pseudonyms import pseudonym

Ints = NDArray[np.int64]

CONSUMER = "insights"
ENGAGEMENTS = ("likes", "comments", "shares", "saves", "follows")
_KINDS = {
    "skips": EventType.SKIP,
    "likes": EventType.LIKE,
    "comments": EventType.COMMENT,
    "shares": EventType.SHARE,
    "saves": EventType.SAVE,
    "follows": EventType.FOLLOW,
    "hides": EventType.HIDE,
    "reports": EventType.REPORT,
}
_BATCH = 10_000  # events a transaction


def keep_up(*, batches: int = 50) -> int:
    """Take in what the log has gained; return how many events."""
    # Until it has come to the end of the log for the first time, nothing is known of any moment.
    Watermark.objects.get_or_create(consumer=CONSUMER, defaults={"caught_up_ms": 0})
    return drain(CONSUMER, keep, batches=batches, limit=_BATCH)


def keep(log: EventLog) -> None:
    """Add events to the rows of their days; the number of statements grows with the rows alone."""
    catalog = content.catalog()
    log = counted(log, catalog)
    if not len(log):
        return
    for model, keys, amounts in rows_of(log, catalog):
        add_up(model, keys, amounts)
    day = days_of(log.at_ms)
    _touch(np.union1d(np.unique(day), keep_first_days(log.viewer, day)))


Rows = tuple[type[Model], dict[str, Ints], dict[str, Ints]]


def rows_of(log: EventLog, catalog: Catalog) -> list[Rows]:
    """Return what counted events add: model, keys by name, amounts by name, int64[n] each."""
    day = days_of(log.at_ms)
    did = measures(log, catalog)
    views, watched = content_views(log, did, day)
    content_pk = catalog.content_pk[log.content[views]]
    bucket = log.at_ms // conf.BUCKET_MS * conf.BUCKET_MS
    plain = ("events", "views", "clicks", "completes", "skips")
    pulse = {name: did[name] for name in plain}
    pulse["engagements"] = np.sum([did[name] for name in ENGAGEMENTS], axis=0)
    pulse |= {name: did[name] for name in ("reports", "watch_ms")}
    return [
        (ViewerDay, {"day": day, "viewer": log.viewer}, did),
        (ContentDay, {"day": day[views], "content": content_pk}, watched),
        (Pulse, {"bucket_ms": bucket}, pulse),
    ]


def counted(log: EventLog, catalog: Catalog) -> EventLog:
    """Return the events of viewers, without those about contents of their own and uploads."""
    log = log.take((log.viewer >= 0) & (log.kind != EventType.CONTENT_UPLOAD))
    has_content = log.content >= 0
    creator = np.where(has_content, catalog.creator[np.maximum(log.content, 0)], log.creator)
    return log.take(_own_viewer(creator, catalog) != log.viewer)


def measures(log: EventLog, catalog: Catalog) -> dict[str, Ints]:
    """Return what each event adds to the columns of `ViewerDay`, int64[n] each."""
    is_view = log.kind == EventType.VIEW
    seconds = np.where(is_view, np.nan_to_num(log.watch_seconds.astype(np.float64)), 0.0)
    watch_ms = np.rint(seconds * 1000).astype(np.int64)
    duration = np.full(len(log), np.nan, np.float32)
    has_content = log.content >= 0
    duration[has_content] = catalog.duration_seconds[log.content[has_content]]
    local_hour = (log.at_ms + log.utc_offset_minutes.astype(np.int64) * 60_000) % DAY_MS // HOUR_MS
    is_night = (local_hour >= conf.NIGHT_FROM) | (local_hour < conf.NIGHT_TO)
    flags = {
        "events": np.ones(len(log), np.bool_),
        "views": is_view,
        "clicks": is_view & is_click(log.watch_seconds, log.flags),
        "long_views": is_view & is_long_view(log.watch_seconds, duration, log.flags),
        "completes": is_view & (seconds >= conf.COMPLETE_SHARE * duration),  # NaN: False
        **{name: log.kind == kind for name, kind in _KINDS.items()},
    }
    did = {name: flag.astype(np.int64) for name, flag in flags.items()}
    devices = {f"on_{name}": log.device == code for name, code in DEVICE_CODE.items() if code}
    return {
        **did,
        "watch_ms": watch_ms,
        "night_ms": np.where(is_night, watch_ms, 0),
        **{name: flag.astype(np.int64) for name, flag in devices.items()},
    }


def content_views(log: EventLog, did: dict[str, Ints], day: Ints) -> tuple[Ints, dict[str, Ints]]:
    """Return which events are views of a content, int64[v], and what they add to `ContentDay`."""
    views = np.flatnonzero((did["views"] > 0) & (log.content >= 0))
    return views, {
        "views": np.ones(len(views), np.int64),
        "watch_ms": did["watch_ms"][views],
        "since_ms": log.at_ms[views] - start_ms(0) - day[views] * DAY_MS,
    }


def keep_first_days(viewer: Ints, day: Ints) -> Ints:
    """Store earlier first days, and return the days whose new viewers have changed by that."""
    order = np.lexsort((day, viewer))
    viewers, at = np.unique(viewer[order], return_index=True)
    first = day[order][at]
    rows = FirstDay.objects.filter(viewer_id__in=viewers.tolist()).values_list("pk", "day")
    known = dict(rows)
    earlier = [
        FirstDay(viewer_id=pk, day=d)
        for pk, d in zip(viewers.tolist(), first.tolist(), strict=True)
        if d < known.get(pk, d + 1)
    ]
    FirstDay.objects.bulk_create(
        earlier,
        update_conflicts=True,
        unique_fields=["viewer"],
        update_fields=["day"],
        batch_size=5000,
    )
    was = [known[row.viewer_id] for row in earlier if row.viewer_id in known]
    return np.array(was, np.int64)


def _touch(days: Ints) -> None:
    rows: list[Model] = [TouchedDay(day=day) for day in days.tolist()]
    TouchedDay.objects.bulk_create(rows, ignore_conflicts=True)  # type: ignore[arg-type]


def _own_viewer(creator: Ints, catalog: Catalog) -> Ints:
    """Return the viewer who is the creator of each row, int64[n]; −2 where nobody is."""
    rows = np.unique(creator[creator >= 0])
    pks = catalog.creator_pk[rows].tolist()
    ids = dict(Creator.objects.filter(pk__among=pks).values_list("pk", "creator_id"))
    names = {pk: pseudonym(creator_id) for pk, creator_id in ids.items()}
    viewers = dict(
        Viewer.objects.filter(pseudonym__among=list(names.values())).values_list("pseudonym", "pk")
    )
    of_row = np.full(len(catalog.creator_pk) + 1, -2, np.int64)  # the last one: of row −1
    of_row[rows] = [viewers.get(names[pk], -2) if pk in names else -2 for pk in pks]
    return of_row[creator]
