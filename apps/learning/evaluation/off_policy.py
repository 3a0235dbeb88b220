"""What another policy would have earned on the slates that were served (spec §11.1).

A slot earns 1 when its content was watched long. The other policy is a table: the chance with
which it would have shown each logged content in its slot; a slot that is not in it has none.
"""

from __future__ import annotations

import csv
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from apps.content.types import Catalog
from apps.core.clock import DAY_MS
from apps.events.models import Event, Slate
from apps.events.types import MODE_PREFIX, EventType, is_long_view
from apps.learning.algorithms.off_policy import OffPolicyParams, estimate
from apps.learning.evaluation.splits import EvaluationError

DAYS = 14  # of slates, at most
_CHUNK = 2000
Slot = tuple[UUID, int]  # request, content's database key


class Slots(NamedTuple):
    """Slots that were served, each with its chance and what came of it."""

    key: list[Slot]
    propensity: NDArray[np.float64]
    reward: NDArray[np.float64]


def judge_off_policy(catalog: Catalog, *, policy: dict[Slot, float] | None) -> dict[str, Any]:
    """Return the estimates for a policy; None: the one that was logged, to try the log itself.

    Raises `OffPolicyError`, which says why, where the log cannot tell.
    """
    slots = logged_slots(catalog)
    if not slots.key:
        raise EvaluationError("no slate is in the log: there is nothing to judge")
    target = slots.propensity
    if policy is not None:
        target = np.array([policy.get(key, 0.0) for key in slots.key])
    found = estimate(slots.reward, slots.propensity, target)
    estimates = {name: getattr(found, name)._asdict() for name in ("ips", "snips")}
    return {
        "slots": found.n,
        "effective_size": found.effective_size,
        "max_weight": found.max_weight,
        "logged_mean": found.naive,
        **estimates,
        "rule": {k: v for k, v in asdict(OffPolicyParams()).items() if np.isfinite(v)},
    }


def logged_slots(catalog: Catalog) -> Slots:
    """Return the slots of the latest `DAYS` days of ranked slates, the latest first."""
    ranked = Slate.objects.exclude(ranker__startswith=MODE_PREFIX)
    latest = ranked.order_by("-served_ms", "-id").values_list("served_ms", flat=True).first()
    if latest is None:
        return Slots([], np.empty(0), np.empty(0))
    since_ms = latest - DAYS * DAY_MS
    slates = ranked.filter(served_ms__gt=since_ms).order_by("-served_ms", "-id")
    keys: list[Slot] = []
    propensities: list[NDArray[np.float32]] = []
    for request, contents, chances in slates.values_list(
        "id", "content_pks", "propensities"
    ).iterator(chunk_size=_CHUNK):
        pks = np.frombuffer(contents, "<i8").tolist()
        keys += [(request, pk) for pk in pks]
        propensities.append(np.frombuffer(chances, "<f4"))
    earned = _long_views(since_ms, catalog)
    reward = np.array([key in earned for key in keys], np.float64)
    return Slots(keys, np.concatenate(propensities).astype(np.float64), reward)


def read_policy(path: Path) -> dict[Slot, float]:
    """Return a table with the columns request_id, content_pk, chance."""
    with path.open(newline="") as file:
        try:
            return {
                (UUID(row["request_id"]), int(row["content_pk"])): float(row["chance"])
                for row in csv.DictReader(file)
            }
        except (KeyError, ValueError) as error:
            raise EvaluationError(
                f"{path}: {error}; columns are request_id, content_pk, chance"
            ) from error


def as_text(report: dict[str, Any]) -> str:
    """Return the estimates as lines that a person reads."""
    lines = [
        f"{report['slots']:,} slots, effective sample size {report['effective_size']:,.0f}; "
        f"as logged {report['logged_mean']:.4f} long views a slot"
    ]
    for name in ("ips", "snips"):
        found = report[name]
        lines.append(f"{name}: {found['value']:.4f} ({found['low']:.4f}–{found['high']:.4f})")
    return "\n".join(lines) + "\n"


def _long_views(since_ms: int, catalog: Catalog) -> set[Slot]:
    views = Event.objects.filter(
        kind=EventType.VIEW, occurred_ms__gt=since_ms, request_id__isnull=False
    ).values_list("request_id", "content_id", "watch_seconds", "flags")
    rows = list(views.iterator(chunk_size=_CHUNK))
    if not rows:
        return set()
    pks = np.array([row[1] for row in rows], np.int64)
    at = catalog.rows_of(pks)
    duration = np.where(at >= 0, catalog.duration_seconds[at], np.nan).astype(np.float32)
    seconds = np.array([np.nan if row[2] is None else row[2] for row in rows], np.float32)
    is_long = is_long_view(seconds, duration, np.array([row[3] for row in rows], np.int16))
    earned = (rows[i][:2] for i in np.flatnonzero(is_long).tolist())
    return {(request, pk) for request, pk in earned if request is not None}
