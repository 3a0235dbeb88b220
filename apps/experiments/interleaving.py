"""What interleaved pages say: whose picks viewers watched longer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.content import selectors as content
from apps.events import selectors as events
from apps.events.types import EventType, is_long_view
from apps.experiments.algorithms.difference import mean_of
from apps.experiments.algorithms.ratio import Floats
from apps.experiments.comparing import Sides, compare
from apps.experiments.conf import EXCHANGED_SLATES, LEAST_VIEWERS
from apps.experiments.metrics import Metric
from apps.experiments.models import Experiment, InterleavedSlate
from apps.experiments.types import Arm, Comparison, Report

_CREDIT = Metric("long_view_credit", "Long views of its picks, per viewer", "long_views")
_CHUNK = 2_000  # viewers whose events are in memory at once


def report(
    experiment: Experiment, excluded: NDArray[np.int64], names: tuple[str, str], *, at_ms: int
) -> Report:
    """Return what the pages say; `excluded` viewers int64[e] are left out."""
    viewer, slot, team, served_ms = _slots(experiment)
    is_in = ~np.isin(viewer, excluded)
    viewers, credit = credits_of(
        viewer[is_in], slot[is_in], team[is_in], served_ms[is_in], until_ms=at_ms
    )
    comparisons = _comparisons(experiment, credit, names)
    return Report(
        at_ms=at_ms,
        verdict=_verdict(len(viewers), comparisons),
        arms=[Arm(name, len(viewers), 0.5) for name in names],
        mismatch_p=1.0,
        is_withheld=False,
        crossed=0,
        forced=len(np.unique(viewer[~is_in])),
        comparisons=comparisons,
        segments=[],
    )


def _slots(experiment: Experiment) -> tuple[NDArray[np.int64], ...]:
    """Return viewer, content key, team and time served of every slot, int64[n] each."""
    rows = list(
        InterleavedSlate.objects.filter(experiment=experiment)
        .order_by("-slate__served_ms", "-pk")
        .values_list("slate__viewer_id", "slate__content_pks", "teams", "slate__served_ms")[
            :EXCHANGED_SLATES
        ]
    )
    sizes = [len(teams) for _, _, teams, _ in rows]
    contents = np.frombuffer(b"".join(bytes(row[1]) for row in rows), "<i8").astype(np.int64)
    teams = np.frombuffer(b"".join(bytes(row[2]) for row in rows), np.int8).astype(np.int64)
    viewer = np.repeat(np.array([row[0] for row in rows], np.int64), sizes)
    served_ms = np.repeat(np.array([row[3] for row in rows], np.int64), sizes)
    return viewer, contents, teams, served_ms


def credits_of(
    viewer: NDArray[np.int64],
    content_pk: NDArray[np.int64],
    team: NDArray[np.int64],
    served_ms: NDArray[np.int64],
    *,
    until_ms: int,
) -> tuple[NDArray[np.int64], Floats]:
    """Return the viewers int64[m] and the slots of each team that they watched long, [m, 2].

    A slot counts once, for a long view after it was served.
    """
    viewers = np.unique(viewer)
    credit = np.zeros((len(viewers), 2))
    catalog = content.catalog()
    row = catalog.rows_of(content_pk)
    for start in range(0, len(viewers), _CHUNK):
        some = viewers[start : start + _CHUNK]
        mine = np.isin(viewer, some)
        log = events.log_of(some, catalog, after_ms=int(served_ms[mine].min()), until_ms=until_ms)
        log = log.take((log.kind == EventType.VIEW) & (log.content >= 0))
        duration = catalog.duration_seconds[log.content]
        log = log.take(is_long_view(log.watch_seconds, duration, log.flags))
        last = {
            (int(v), int(c)): int(at)
            for v, c, at in zip(log.viewer, log.content, log.at_ms, strict=True)
        }
        for i in np.flatnonzero(mine).tolist():
            if last.get((int(viewer[i]), int(row[i])), -1) >= served_ms[i]:
                credit[np.searchsorted(viewers, viewer[i]), team[i]] += 1
    return viewers, credit


def _comparisons(
    experiment: Experiment, credit: Floats, names: tuple[str, str]
) -> list[Comparison]:
    found = mean_of(credit[:, 1] - credit[:, 0])
    if found is None:
        return []
    ours, theirs = credit.mean(axis=0).tolist()
    scale = experiment.minimum_effect * max(ours, theirs)
    return [compare(found, _CREDIT, Sides("primary", names[1], ours, theirs), scale=scale)]


def _verdict(n: int, comparisons: list[Comparison]) -> str:
    if n < LEAST_VIEWERS:
        return f"Collecting: {n} viewers, {LEAST_VIEWERS} are needed."
    if not comparisons or not comparisons[0].says:
        return "Viewers do not prefer either side for certain yet."
    found = comparisons[0]
    often = f"{found.treatment:.3g} against {found.control:.3g} long views of its picks a viewer"
    return f"{found.variant} is {found.says}: {often}."
