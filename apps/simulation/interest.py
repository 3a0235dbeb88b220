"""How the scores of a trained feed go with what the world knows of its viewers' interests."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from apps.content.selectors import all_public_ids
from apps.content.selectors import catalog as current_catalog
from apps.core.errors import RecsysError
from apps.events.selectors import log as whole_log
from apps.feed.pipelines import feed_pipeline
from apps.learning import bundle
from apps.learning.moments import moment
from apps.profiles.services import ensure_viewers
from apps.simulation.arrays import Floats, Ints
from apps.simulation.laws import REFERENCE_SECONDS
from apps.simulation.types import World

_MIN_EVENTS = 50  # of a viewer who is asked about
_EVERYTHING = 1_000_000  # candidates that are ranked


class NothingTrainedError(RecsysError):
    """There is no bundle to judge."""


def interest(world: World, viewer: int, rows: Ints) -> Floats:
    """Return the true interest of a rested viewer in contents, float64[n], free of duration."""
    viewers = np.full(len(rows), viewer)
    follows = world.viewers.follows[viewers, world.contents.creator[rows]]
    logit = world.pair_logit(viewers, rows, satiation=0.0, is_followed=follows)
    length = np.log(world.contents.duration_seconds[rows] / REFERENCE_SECONDS)
    return np.asarray(logit + world.laws.length * length)


def correlations(world: World, *, n_viewers: int) -> dict[str, dict[str, float]]:
    """Return Spearman's ρ of score and terms with interest and duration, over all candidates.

    The world must be in the database and trained on; raises `NothingTrainedError` else.
    """
    promoted = bundle.production()
    if promoted is None:
        raise NothingTrainedError("no bundle is promoted; run manage.py seed_demo and train")
    catalog = current_catalog()
    log = whole_log(catalog)
    then = moment(log, catalog, promoted.retrieval, int(log.at_ms[-1]) + 1)
    pipeline = feed_pipeline(lambda request: promoted.rankers, at_least=_EVERYTHING)
    row_of = _world_rows(world, catalog.content_pk)
    keys = ensure_viewers(world.viewers.id)
    n_events = np.bincount(log.viewer[log.viewer >= 0], minlength=max(keys.values()) + 1)
    active = [i for i, u in enumerate(world.viewers.id) if n_events[keys[u]] >= _MIN_EVENTS]
    columns: dict[str, list[NDArray]] = defaultdict(list)
    for viewer in active[:n_viewers]:
        request = then.request(keys[world.viewers.id[viewer]])
        found = pipeline.run(request, request.excluded()).candidates
        rows = row_of[found.rows]
        columns["interest"].append(interest(world, viewer, rows))
        columns["duration"].append(world.contents.duration_seconds[rows])
        for name in ("score", "adds.select", "adds.watch_quantile"):
            columns[name].append(found[name])
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    truths = {of: joined.pop(of) for of in ("interest", "duration")}
    return {
        name.removeprefix("adds."): {
            of: float(spearmanr(values, truth).statistic) for of, truth in truths.items()
        }
        for name, values in joined.items()
    }


def _world_rows(world: World, content_pk: NDArray[np.int64]) -> Ints:
    """Return the world's row of each catalog row, int64[n_contents], −1 for none."""
    names, rows = all_public_ids(), {name: row for row, name in enumerate(world.contents.id)}
    return np.array([rows.get(names[pk], -1) for pk in content_pk.tolist()], np.int64)
