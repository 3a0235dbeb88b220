"""Judge the first stage: what each source finds by itself, and what all of them hold together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.candidates.conf import RetrievalParams
from apps.candidates.services import fit_retrieval, read_background
from apps.candidates.sources import SOURCE_NAMES, SOURCES
from apps.content.types import Catalog
from apps.events.types import EventLog
from apps.learning.evaluation.ranking import measures
from apps.learning.evaluation.splits import EvaluationError, Truth, split
from apps.learning.moments import Moment, moment
from apps.learning.training import Say

DEPTH = 500
UNION = "union"


def evaluate_sources(
    log: EventLog,
    catalog: Catalog,
    params: RetrievalParams,
    *,
    protocol: str,
    ks: Sequence[int],
    say: Say,
) -> dict[str, dict[str, Any]]:
    """Return figures by source, and of their union, for the future of a split.

    recall@500 of each source's own list, ranking metrics at `ks` with intervals, and of the union
    (as the quotas cut it) the recall and the mean number of candidates. `recall_at_union` is what
    the source finds with as many candidates as the union has.
    """
    part, truth = split(log, catalog, protocol)
    if not truth.viewers:
        raise EvaluationError("no viewer of the test part has a past: there is nothing to judge")
    say(f"fitting the sources on {len(part.past):,} events")
    models = fit_retrieval(part.past, catalog, params, read_background(catalog, params))
    then = moment(part.past, catalog, models, part.at_ms)
    say(f"asking them for {len(truth.viewers):,} viewers")
    pools = [then.pool(then.request(viewer)).rows for viewer in truth.viewers]
    size = int(np.mean([len(rows) for rows in pools]))
    report: dict[str, dict[str, Any]] = {}
    for source in SOURCES:
        lists = [_top(then, source, viewer, max(DEPTH, size)) for viewer in truth.viewers]
        report[source.name] = {
            "quota": params.quotas.get(source.name, 0),
            f"recall@{DEPTH}": _recall([rows[:DEPTH] for rows in lists], truth),
            "recall_at_union": _recall([rows[:size] for rows in lists], truth),
            **measures(lists, truth, ks),
        }
    report[UNION] = {"candidates": size, "recall": _recall(pools, truth), "sources": len(SOURCES)}
    return report


def _top(then: Moment, source: Any, viewer: int, k: int) -> NDArray[np.int64]:
    request = then.request(viewer)
    scores = source(request)
    return np.empty(0, np.int64) if scores is None else scores.top(k, request.excluded())


def _recall(lists: Sequence[NDArray[np.int64]], truth: Truth) -> float:
    """Return the share of all that viewers went on to watch that is in their lists."""
    found = sum(
        len(relevant & set(rows.tolist()))
        for rows, relevant in zip(lists, truth.relevant, strict=True)
    )
    return found / sum(map(len, truth.relevant))


def as_table(report: dict[str, dict[str, Any]], k: int) -> str:
    """Return the report as a Markdown table, the union last."""
    head = f"| source | quota | NDCG@{k} | recall@{DEPTH} | recall at the union's size |"
    lines = [head, "|---|---|---|---|---|"]
    for name in SOURCE_NAMES:
        r = report[name]
        ndcg = r[f"ndcg@{k}"]
        lines.append(
            f"| {name} | {r['quota']} | {ndcg['value']:.4f} ({ndcg['low']:.4f}–{ndcg['high']:.4f})"
            f" | {r[f'recall@{DEPTH}']:.3f} | {r['recall_at_union']:.3f} |"
        )
    union = report[UNION]
    lines.append(f"| **{UNION}** | {union['candidates']} | | | **{union['recall']:.3f}** |")
    return "\n".join(lines) + "\n"
