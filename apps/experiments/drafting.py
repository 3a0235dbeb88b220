"""One page that two variants fill together."""

from __future__ import annotations

import numpy as np

from apps.core.candidates import Candidates
from apps.experiments.algorithms.team_draft import team_draft


def drafted(
    ours: Candidates, theirs: Candidates, limit: int, rng: np.random.Generator
) -> Candidates:
    """Draft a page of at most `limit` from two pages, with `team`: 0 ours, 1 theirs.

    Each slot keeps the columns of the side that picked it; columns that only one side has are
    left out (a ranker may have failed on one).
    """
    rows, team = team_draft(ours.rows, theirs.rows, limit, rng)
    shared = ours.columns.keys() & theirs.columns.keys()
    place = {
        side: {row: i for i, row in enumerate(page.rows.tolist())}
        for side, page in ((0, ours), (1, theirs))
    }
    picks = [
        ((ours, theirs)[side], place[side][row])
        for row, side in zip(rows.tolist(), team.tolist(), strict=True)
    ]
    columns = {
        name: np.array([page[name][at] for page, at in picks], ours[name].dtype).reshape(
            len(picks), *ours[name].shape[1:]
        )
        for name in sorted(shared)
    }
    return Candidates(rows, {**columns, "team": team})
