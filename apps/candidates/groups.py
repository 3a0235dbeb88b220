"""What is popular among viewers of a language and an age group: small charts, made at training.

Counting every content for every group as events come would cost contents × groups; a chart holds
the few hundred that matter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.candidates.conf import GroupParams
from apps.candidates.index import best_rows
from apps.core.candidates import Rows
from apps.core.clock import HOUR_MS

Group = tuple[str, str]  # language and age group, each empty for any
_FILE = "groups.json"


@dataclass(frozen=True, slots=True)
class Charts:
    """The charts by group: rows int64[≤ most], ascending, and log(1 + decayed views) of each."""

    charts: dict[Group, tuple[NDArray[np.int64], NDArray[np.float32]]]

    def of(
        self, language: str, age_group: str
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]] | None:
        """Return the chart of the smallest group with one: both, the language, everyone."""
        if len(self.charts) < 2:
            return None  # of everyone the popular sources know more
        for group in ((language, age_group), (language, ""), ("", "")):
            if group in self.charts:
                return self.charts[group]
        return None


def fit_charts(
    contents: NDArray[np.int64],
    ages_ms: NDArray[np.int64],
    languages: NDArray[np.str_],
    age_groups: NDArray[np.str_],
    n_contents: int,
    params: GroupParams,
) -> Charts:
    """Count long views by their viewer's group.

    contents, ages_ms: int64[n]; languages, age_groups: [n], empty where not known. Everybody is a
    group, too. O(groups · (n + n_contents)).
    """
    weight = np.exp2(-ages_ms / (params.half_life_hours * HOUR_MS))
    charts: dict[Group, tuple[NDArray[np.int64], NDArray[np.float32]]] = {}
    names, codes = np.unique(np.stack([languages, age_groups], axis=1), axis=0, return_inverse=True)
    groups = {(str(a), str(b)) for a, b in names} | {("", "")}
    groups |= {(a, "") for a, _ in groups} | {("", b) for _, b in groups}
    for of_language, of_age in sorted(groups):
        fits = ((names[:, 0] == of_language) | (of_language == "")) & (
            (names[:, 1] == of_age) | (of_age == "")
        )
        mine = fits[codes.ravel()]
        if weight[mine].sum() >= params.least_views or not (of_language or of_age):
            counts = np.bincount(contents[mine], weight[mine], n_contents)
            scores = np.where(counts > 0, np.log1p(counts), -np.inf).astype(np.float32)
            rows = np.sort(best_rows(scores, params.most))
            charts[of_language, of_age] = rows, scores[rows]
    return Charts(charts)


def save_charts(charts: Charts, folder: Path) -> None:
    """Write the charts."""
    found = [
        [*group, rows.tolist(), scores.tolist()] for group, (rows, scores) in charts.charts.items()
    ]
    (folder / _FILE).write_text(json.dumps(found))


def load_charts(folder: Path, rows: Rows) -> Charts:
    """Read what `save_charts` wrote; rows: int64[n], where each content of the bundle is now."""
    charts = {}
    for language, age_group, chart, scores in json.loads((folder / _FILE).read_text()):
        at = rows[np.array(chart, np.int64)]
        kept = np.flatnonzero(at >= 0)
        order = kept[np.argsort(at[kept])]
        charts[language, age_group] = at[order], np.array(scores, np.float32)[order]
    return Charts(charts)
