"""The evaluation report as a page that a person reads."""

from __future__ import annotations

from typing import Any


def as_markdown(report: dict[str, Any]) -> str:
    """Return the report's tables: lists, differences, heads, groups, folds, and the peers."""
    parts = [f"# Evaluation, {report['protocol']} split", _data(report["data"])]
    if "ranking" in report:
        parts += [
            "## Ranked lists",
            "Full catalogue, contents met before left out; 95 % intervals by resampling viewers. "
            f"Last production: {report['last_production']}.",
            _ranking(report["ranking"]),
            "## Production minus others, NDCG viewer by viewer",
            _paired(report["paired"]),
            "## Production's NDCG by group of viewers",
            _viewer_groups(report["groups"]),
        ]
    else:
        parts.append(f"Last production: {report['last_production']}.")
    if "curve" in report:
        parts += ["## Production's NDCG by the share of the past learned from"]
        parts += [_table(["share", "NDCG"], [[k, f"{v:.4f}"] for k, v in report["curve"].items()])]
    if "scoring" in report:
        parts += ["## Predictions of what viewers do", _scoring(report["scoring"])]
        parts += ["## Calibration of the long view", _calibration(report["scoring"])]
    if "view_groups" in report:
        parts += ["## Long views predicted, by group", _view_groups(report["view_groups"])]
    if "chunks" in report:
        parts += ["## Long views predicted, chunk by chunk", _chunks(report["chunks"])]
    if "spread" in report:
        parts += [f"## Mean and spread over {len(report['folds'])} folds", _spread(report)]
    if report["peers"]:
        parts += ["## Tuned peers on the same split", _peers(report["peers"])]
    return "\n\n".join(parts) + "\n"


def _data(data: dict[str, Any]) -> str:
    return (
        f"{data['events_known']:,} events known before {data['cut']}, {data['events_after']:,} "
        f"after; {data['contents']:,} contents. {data['viewers_judged']:,} viewers judged; "
        f"{data['viewers_without_past']:,} had no past and {data['viewers_without_relevant']:,} "
        "nothing relevant after the cut: these are not judged."
    )


def _ranking(ranking: dict[str, dict[str, Any]]) -> str:
    names = list(next(iter(ranking.values())))
    rows = [
        [system, *(_cell(values[name]) for name in names)] for system, values in ranking.items()
    ]
    return _table(["", *names], rows)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['value']:.4f} ({value['low']:.4f}–{value['high']:.4f})"
    return f"{value:.3f}"


def _paired(paired: dict[str, dict[str, float]]) -> str:
    rows = [
        [name, f"{d['value']:+.4f} ({d['low']:+.4f} – {d['high']:+.4f})"]
        for name, d in paired.items()
    ]
    return _table(["against", "difference"], rows)


def _scoring(scoring: dict[str, Any]) -> str:
    rows = []
    for mode, heads in scoring.items():
        for head, judged in heads.items():
            if "auc" in judged:
                gauc = f"{judged['gauc']:.4f}" if "gauc" in judged else "–"
                loss = f"{judged['log_loss']:.4f} (base {judged['base_log_loss']:.4f})"
                rate = f"{judged['rate']:.4f} / {judged['mean_prediction']:.4f}"
                error = f"{judged['calibration_error']:.4f}"
                rows.append([mode, head, _cell(judged["auc"]), gauc, loss, error, rate])
            elif judged:
                figures = f"MAE {judged['mae']:.2f} s"
                figures += f", XAUC {judged['xauc']:.3f}" if "xauc" in judged else ""
                rate = f"{judged['mean']:.2f} / {judged['mean_prediction']:.2f}"
                rows.append([mode, head, figures, "–", "–", "–", rate])
    names = ["", "head", "AUC", "gAUC", "log-loss", "calibration error", "rate / mean prediction"]
    return _table(names, rows)


def _calibration(scoring: dict[str, Any]) -> str:
    deciles = scoring["frozen"].get("long_view", {}).get("deciles", [])
    rows = [[f"{d['n']:,}", f"{d['predicted']:.4f}", f"{d['observed']:.4f}"] for d in deciles]
    return _table(["views", "predicted", "observed"], rows)


def _viewer_groups(groups: dict[str, Any]) -> str:
    rows = [
        [group, value, f"{judged['viewers']:,}", _cell(judged["ndcg"])]
        for group, values in groups.items()
        for value, judged in values.items()
    ]
    return _table(["", "group", "viewers", "NDCG"], rows)


def _view_groups(groups: dict[str, Any]) -> str:
    rows = [
        [
            *(group, value, f"{judged['views']:,}"),
            f"{judged['auc']:.4f}" if "auc" in judged else "–",
            f"{judged['log_loss']:.4f}",
            f"{judged['rate']:.4f} / {judged['mean_prediction']:.4f}",
        ]
        for group, values in groups.items()
        for value, judged in values.items()
    ]
    return _table(["", "group", "views", "AUC", "log-loss", "rate / mean prediction"], rows)


def _chunks(chunks: list[dict[str, Any]]) -> str:
    ways = list(chunks[0])
    rows = [
        [str(number), *(_loss(chunk[way].get("long_view")) for way in ways)]
        for number, chunk in enumerate(chunks, 1)
    ]
    return _table(["chunk", *(f"{way}: AUC, log-loss" for way in ways)], rows)


def _loss(judged: dict[str, Any] | None) -> str:
    return f"{judged['auc']['value']:.4f}, {judged['log_loss']:.4f}" if judged else "–"


def _spread(report: dict[str, Any]) -> str:
    rows = [
        [name, f"{s['mean']:.4f}", f"{s['deviation']:.4f}", str(len(s["values"]))]
        for name, s in report["spread"].items()
    ]
    return _table(["figure", "mean", "deviation", "folds"], rows)


def _peers(peers: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(key for peer in peers for key in peer if key != "name"))
    rows = [
        [peer["name"], *(f"{peer[name]:.4f}" if name in peer else "" for name in names)]
        for peer in peers
    ]
    return _table(["peer", *names], rows)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
