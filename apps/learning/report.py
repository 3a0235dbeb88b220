"""The evaluation report as a page that a person reads."""

from __future__ import annotations

from typing import Any


def as_markdown(report: dict[str, Any]) -> str:
    """Return the report's tables: lists, differences, heads, and the peers beside them."""
    parts = [
        f"# Evaluation, {report['protocol']} split",
        _data(report["data"]),
        "## Ranked lists",
        "Full catalogue, contents met before left out; 95 % intervals by resampling viewers.",
        _ranking(report["ranking"]),
        "## Production minus others, NDCG viewer by viewer",
        _paired(report["paired"]),
    ]
    if "scoring" in report:
        parts += ["## Predictions of what viewers do", _scoring(report["scoring"])]
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
                rows.append([mode, head, _cell(judged["auc"]), gauc, loss, rate])
            elif judged:
                error = f"MAE {judged['mae']:.2f} s, XAUC {judged['xauc']:.3f}"
                rate = f"{judged['mean']:.2f} / {judged['mean_prediction']:.2f}"
                rows.append([mode, head, error, "–", "–", rate])
    return _table(["", "head", "AUC", "gAUC", "log-loss", "rate / mean prediction"], rows)


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
